#include "CFastCDC.h"

// Bytes that the hash still depends on: the top bit of an older byte's gear value has been shifted out.
enum { WINDOW = 64 };

// First length in `from ..< to` at which the hash is below `threshold`; `to` if there is none. `*state` is the hash of
// the bytes before index `from - 1`, and after a scan to the end that of those before `to - 1`.
static size_t scan(
    const uint64_t *gear, const uint8_t *bytes, size_t from, size_t to, uint64_t threshold, uint64_t *state
) {
    uint64_t h = *state;
    for (size_t length = from; length < to; length++) {
        h = (h << 1) + gear[bytes[length - 1]];
        if (h < threshold) return length;
    }
    *state = h;
    return to;
}

size_t cfastcdc_boundary(const cfastcdc_profile *profile, const uint64_t *gear, const uint8_t *bytes, size_t count) {
    if (count < profile->minimum) return 0;
    uint64_t h = 0;
    for (size_t i = profile->minimum - WINDOW; i + 1 < profile->minimum; i++) h = (h << 1) + gear[bytes[i]];

    // Lengths that the bytes at hand reach; the maximum itself is no question.
    size_t end = count < profile->maximum ? count + 1 : profile->maximum;
    size_t middle = end < profile->average ? end : profile->average;
    size_t length = scan(gear, bytes, profile->minimum, middle, profile->before, &h);
    if (length < middle) return length;
    length = scan(gear, bytes, middle, end, profile->after, &h);
    if (length < end) return length;
    return count < profile->maximum ? 0 : profile->maximum;
}
