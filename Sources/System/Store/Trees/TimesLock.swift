import Glibc

/// Lets many activations run side by side, or one alone that changes times of inodes in place: nobody may come to count
/// on such an inode between the look at who needs it and the change.
///
/// Whoever takes it gives it back on the same thread.
final class TimesLock: @unchecked Sendable {
    // Made once, at an address that never changes, and used through pthread's functions alone, which are thread-safe.
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>

    init() {
        lock = .allocate(capacity: 1)
        let result = pthread_rwlock_init(lock, nil)
        precondition(result == 0, "no lock: error \(result)")
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    /// Waits until nobody changes times.
    func share() { pthread_rwlock_rdlock(lock) }

    /// Waits until nobody else holds it. Who shares it gives that back before.
    func takeAlone() { pthread_rwlock_wrlock(lock) }

    func giveBack() { pthread_rwlock_unlock(lock) }
}
