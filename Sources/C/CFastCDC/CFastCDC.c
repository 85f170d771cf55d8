#include "CFastCDC.h"

// Bytes that the hash depends on: the gear value of an older one has been shifted out.
enum { WINDOW = 64 };

// A stretch is scanned in STREAMS parts of PART bytes side by side, since one hash can take in only one byte a cycle,
// each waiting for the last. Larger parts save warming up and waste more behind a cut. Measured on Zen 5, GB/s:
// plain loop 2.6, one part 4.8, two of 512 bytes 6.0, three 5.5, four 4.3.
enum { STREAMS = 2, PART = 512 };

// Takes in one byte. The empty asm keeps the gear value in a register, so that `h` costs one instruction, a `lea`;
// without it the compiler adds from memory, which takes two and twice the time.
static inline uint64_t rolled(uint64_t h, const uint64_t *gear, uint8_t byte) {
    uint64_t g = gear[byte];
    __asm__("" : "+r"(g));
    return g + 2 * h;
}

// The hash of the WINDOW - 1 bytes before `end`.
static uint64_t warm(const uint64_t *gear, const uint8_t *end) {
    uint64_t h = 0;
    for (int i = WINDOW - 1; i > 0; i--) h = rolled(h, gear, end[-i]);
    return h;
}

// Whether no byte of `count` STREAMS parts cuts; then `*state` is the hash up to the end. Otherwise it stays as it was.
static int is_clear(const uint64_t *gear, const uint8_t *bytes, uint64_t threshold, uint64_t *state) {
    uint64_t h[STREAMS];
    h[0] = *state;
    for (int s = 1; s < STREAMS; s++) h[s] = warm(gear, bytes + s * PART);
    for (const uint8_t *p = bytes, *end = bytes + PART; p < end; p += 8) {
#define BYTE(k)                                             \
    for (int s = 0; s < STREAMS; s++) {                     \
        h[s] = rolled(h[s], gear, p[s * PART + k]);         \
        if (__builtin_expect(h[s] < threshold, 0)) return 0; \
    }
        BYTE(0)
        BYTE(1)
        BYTE(2)
        BYTE(3)
        BYTE(4)
        BYTE(5)
        BYTE(6)
        BYTE(7)
#undef BYTE
    }
    *state = h[STREAMS - 1];
    return 1;
}

// The first length in `from ..< to` at which the hash is below `threshold`; `to` if there is none. `*state` is the
// hash of the bytes before the one at `from - 1`; after a scan without a cut, of those before the one at `to - 1`.
static size_t scan(
    const uint64_t *gear, const uint8_t *bytes, size_t from, size_t to, uint64_t threshold, uint64_t *state
) {
    size_t length = from;
    while (to - length > STREAMS * PART && is_clear(gear, bytes + length - 1, threshold, state)) {
        length += STREAMS * PART;
    }
    // What is left, or the stretch with a cut in it.
    uint64_t h = *state;
    for (; length < to; length++) {
        h = rolled(h, gear, bytes[length - 1]);
        if (h < threshold) return length;
    }
    *state = h;
    return to;
}

size_t cfastcdc_boundary(const cfastcdc_profile *profile, const uint64_t *gear, const uint8_t *bytes, size_t count) {
    if (count < profile->minimum) return 0;
    // The last byte before the first possible cut is taken in by the scan.
    uint64_t h = warm(gear, bytes + profile->minimum - 1);

    // Lengths that the bytes at hand reach; the maximum itself is no question.
    size_t end = count < profile->maximum ? count + 1 : profile->maximum;
    size_t middle = end < profile->average ? end : profile->average;
    size_t length = scan(gear, bytes, profile->minimum, middle, profile->before, &h);
    if (length < middle) return length;
    length = scan(gear, bytes, middle, end, profile->after, &h);
    if (length < end) return length;
    return count < profile->maximum ? 0 : profile->maximum;
}
