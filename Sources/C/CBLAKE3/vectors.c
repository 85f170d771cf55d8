// The vector kernels of this processor's family, each made from lanes.h.
#include <string.h>
#include "internal.h"

// Fills up a step of `lanes` lanes: the last job again, with a chaining value that nobody reads.
static const lane_job *padded(const lane_job *jobs, size_t count, size_t lanes, lane_job *space, uint32_t *unused) {
    if (count >= lanes) return jobs;
    for (size_t i = 0; i < lanes; i++) {
        space[i] = jobs[i < count ? i : count - 1];
        if (i >= count) space[i].cv = unused;
    }
    return space;
}

// The jobs of the step after this one; this one's again if there are too few.
static const lane_job *following(const lane_job *jobs, size_t count, size_t lanes, const lane_job *step) {
    return count >= 2 * lanes ? jobs + lanes : step;
}

// The three functions of a kernel from the widths it has: PICK(count) gives how many lanes the next step takes, RUN(n,
// jobs, function, arguments) runs it.
#define KERNEL(kernel, PICK, RUN)                                                                             \
    static void kernel##_chunks(const lane_job *jobs, size_t count, const uint32_t *key, uint32_t flags) {    \
        while (count > 0) {                                                                                   \
            lane_job space[32];                                                                               \
            uint32_t unused[8];                                                                               \
            size_t lanes = PICK(count);                                                                       \
            const lane_job *step = padded(jobs, count, lanes, space, unused);                                 \
            RUN(lanes, uniform, (step, following(jobs, count, lanes, step), CHUNK_BLOCKS, key, flags, CHUNK_START, CHUNK_END));                    \
            size_t done = count < lanes ? count : lanes;                                                      \
            jobs += done, count -= done;                                                                      \
        }                                                                                                     \
    }                                                                                                         \
    static void kernel##_parents(const lane_job *jobs, size_t count, const uint32_t *key, uint32_t flags) {   \
        while (count > 0) {                                                                                   \
            lane_job space[32];                                                                               \
            uint32_t unused[8];                                                                               \
            size_t lanes = PICK(count);                                                                       \
            const lane_job *step = padded(jobs, count, lanes, space, unused);                                 \
            RUN(lanes, uniform, (step, step, 1, key, flags | PARENT, 0, 0));                                        \
            size_t done = count < lanes ? count : lanes;                                                      \
            jobs += done, count -= done;                                                                      \
        }                                                                                                     \
    }                                                                                                         \
    static void kernel##_ragged(const lane_job *jobs, size_t count, const uint32_t *key, uint32_t flags) {    \
        while (count > 0) {                                                                                   \
            lane_job space[32];                                                                               \
            uint32_t unused[8];                                                                               \
            size_t lanes = PICK(count);                                                                       \
            const lane_job *step = padded(jobs, count, lanes, space, unused);                                 \
            RUN(lanes, uneven, (step, key, flags));                                                           \
            size_t done = count < lanes ? count : lanes;                                                      \
            jobs += done, count -= done;                                                                      \
        }                                                                                                     \
    }                                                                                                         \
    const kernel_functions cblake3_##kernel = {kernel##_chunks, kernel##_parents, kernel##_ragged};

#if KERNELS_X86

#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#define LANES 4
#define NAME(x) sse41_4_##x
#include "lanes.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define LANES 4
#define NAME(x) avx2_4_##x
#include "lanes.h"
#define LANES 8
#define NAME(x) avx2_8_##x
#include "lanes.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
#define LANES 4
#define NAME(x) avx512_4_##x
#include "lanes.h"
#define LANES 8
#define NAME(x) avx512_8_##x
#include "lanes.h"
#define LANES 16
#define NAME(x) avx512_16_##x
#include "lanes.h"
#include "twofold.h"
#pragma clang attribute pop

#define PICK_SSE41(count) 4
#define RUN_SSE41(lanes, function, arguments) sse41_4_##function arguments
KERNEL(sse41, PICK_SSE41, RUN_SSE41)

#define PICK_AVX2(count) ((count) > 4 ? 8 : 4)
#define RUN_AVX2(lanes, function, arguments) \
    (lanes) == 8 ? avx2_8_##function arguments : avx2_4_##function arguments
KERNEL(avx2, PICK_AVX2, RUN_AVX2)

#define PICK_AVX512(count) ((count) > 16 ? 32 : (count) > 8 ? 16 : (count) > 4 ? 8 : 4)
#define avx512_32_uniform avx512_16_twofold
static void avx512_32_uneven(const lane_job *jobs, const uint32_t *key, uint32_t flags) {
    avx512_16_uneven(jobs, key, flags);
    avx512_16_uneven(jobs + 16, key, flags);
}
#define RUN_AVX512(lanes, function, arguments)                       \
    (lanes) == 32 ? avx512_32_##function arguments : (lanes) == 16       ? avx512_16_##function arguments             \
        : (lanes) == 8 ? avx512_8_##function arguments               \
                       : avx512_4_##function arguments
KERNEL(avx512, PICK_AVX512, RUN_AVX512)

#elif KERNELS_ARM

#define LANES 4
#define NAME(x) neon_4_##x
#include "lanes.h"
#define PICK_NEON(count) 4
#define RUN_NEON(lanes, function, arguments) neon_4_##function arguments
KERNEL(neon, PICK_NEON, RUN_NEON)

#endif
