#pragma once
// Content-defined chunk boundaries: a gear hash and thresholds (docs/formats/chunking.md).
#include <stddef.h>
#include <stdint.h>

// How bytes are looked at; the boundaries are the same.
typedef enum cfastcdc_kernel : uint32_t {
    CFASTCDC_STREAMS = 0,  // two hashes side by side; runs everywhere
    CFASTCDC_GATHERS = 1,  // eleven, eight of them in AVX-512 lanes
} cfastcdc_kernel;

// Whether this processor and its operating system run a kernel.
int cfastcdc_is_available(cfastcdc_kernel kernel);

// The one that is fastest on this processor.
cfastcdc_kernel cfastcdc_best_kernel(void);

// Limits and thresholds of one chunk profile. 64 <= minimum < average < maximum, and before <= after.
typedef struct cfastcdc_profile {
    size_t minimum;
    size_t average;
    size_t maximum;
    uint64_t before;  // a cut at a length below `average` needs a hash below this
    uint64_t after;   // a cut at `average` or more
} cfastcdc_profile;

// Length of the first chunk of `bytes`, which start a chunk, by an available kernel; `gear` has 256 values. 0 when the
// bytes do not decide it: fewer than `maximum` of them, and no cut among them.
size_t cfastcdc_boundary(
    cfastcdc_kernel kernel, const cfastcdc_profile *_Nonnull profile, const uint64_t *_Nonnull gear,
    const uint8_t *_Nonnull bytes, size_t count);
