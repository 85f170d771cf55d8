#include "CFastCDC.h"
#include "internal.h"

// A stretch is scanned in STREAMS parts of PART bytes side by side, since one hash can take in only one byte a cycle,
// each waiting for the last. Larger parts save warming up and waste more behind a cut. Measured on Zen 5, GB/s:
// plain loop 2.6, one part 4.8, two of 512 bytes 6.0, three 5.5, four 4.3.
enum { STREAMS = 2, PART = 512 };

int cfastcdc_is_available(cfastcdc_kernel kernel) {
    if (kernel == CFASTCDC_STREAMS) return 1;
#if GATHERS
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

cfastcdc_kernel cfastcdc_best_kernel(void) {
#if GATHERS
    // AMD's processors make a gather of dozens of steps, and do two streams at 6 GB/s.
    if (__builtin_cpu_is("intel") && cfastcdc_is_available(CFASTCDC_GATHERS)) return CFASTCDC_GATHERS;
#endif
    return CFASTCDC_STREAMS;
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

// The first length in `from ..< to` at which the hash is below `threshold`; `to` if there is none.
static size_t scan(
    cfastcdc_kernel kernel, const uint64_t *gear, const uint8_t *bytes, size_t from, size_t to, uint64_t threshold
) {
    size_t length = from, end = to;
#if GATHERS
    while (kernel == CFASTCDC_GATHERS && end - length > GATHERED) {
        int part = cfastcdc_first_cut_part(gear, bytes + length - 1, threshold);
        length += part < 0 ? GATHERED : (size_t)part * GATHERED_PART;
        if (part >= 0) end = length + GATHERED_PART;
    }
#endif
    // The last byte before the first possible cut is taken in below.
    uint64_t h = warm(gear, bytes + length - 1);
    while (end - length > STREAMS * PART && is_clear(gear, bytes + length - 1, threshold, &h)) {
        length += STREAMS * PART;
    }
    // What is left, or the part with a cut in it.
    for (; length < end; length++) {
        h = rolled(h, gear, bytes[length - 1]);
        if (h < threshold) return length;
    }
    return to;
}

size_t cfastcdc_boundary(
    cfastcdc_kernel kernel, const cfastcdc_profile *profile, const uint64_t *gear, const uint8_t *bytes, size_t count
) {
    if (count < profile->minimum) return 0;
    // Lengths that the bytes at hand reach; the maximum itself is no question.
    size_t end = count < profile->maximum ? count + 1 : profile->maximum;
    size_t middle = end < profile->average ? end : profile->average;
    size_t length = scan(kernel, gear, bytes, profile->minimum, middle, profile->before);
    if (length < middle) return length;
    length = scan(kernel, gear, bytes, middle, end, profile->after);
    if (length < end) return length;
    return count < profile->maximum ? 0 : profile->maximum;
}
