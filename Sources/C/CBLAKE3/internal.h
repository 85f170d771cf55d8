#pragma once
#include "CBLAKE3.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Chaining values are read as bytes where they lie: only little-endian processors."
#endif

// CBLAKE3_PORTABLE_ONLY leaves the vector kernels out.
#if defined(__x86_64__) && !defined(CBLAKE3_PORTABLE_ONLY)
#define KERNELS_X86 1
#elif defined(__aarch64__) && !defined(CBLAKE3_PORTABLE_ONLY)
#define KERNELS_ARM 1
#endif

// Domain flags of the specification, section 2.2.
enum {
    CHUNK_START = 1 << 0,
    CHUNK_END = 1 << 1,
    PARENT = 1 << 2,
    ROOT = 1 << 3,
    KEYED_HASH = 1 << 4,
    DERIVE_KEY_CONTEXT = 1 << 5,
    DERIVE_KEY_MATERIAL = 1 << 6,
};

enum { BLOCK_BYTES = 64, CHUNK_BLOCKS = 16 };

static const uint32_t IV[8] = {
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
};

// One chunk, or one parent block, to be compressed to a chaining value in one lane.
typedef struct lane_job {
    const uint8_t *input;
    uint32_t *cv;       // where the 8 words go
    uint64_t counter;   // index of the chunk in its input; 0 for parents
    uint32_t length;    // bytes, 0 to 1,024; only read by `ragged`
    uint32_t last;      // flags to add to the last block: 0 or ROOT
} lane_job;

// What a kernel can do. `count` is any number; lanes that are left over are padded.
typedef struct kernel_functions {
    // Whole chunks of 1,024 bytes.
    void (*chunks)(const lane_job *jobs, size_t count, const uint32_t key[8], uint32_t flags);
    // Parent nodes: 64 bytes of two chaining values each. A result may overwrite the inputs of its own and of
    // earlier jobs, never of later ones.
    void (*parents)(const lane_job *jobs, size_t count, const uint32_t key[8], uint32_t flags);
    // Chunks of 0 to 1,024 bytes, in any order; fastest when neighbours have about the same length.
    void (*ragged)(const lane_job *jobs, size_t count, const uint32_t key[8], uint32_t flags);
} kernel_functions;

// Compresses one block. `out` gets the 8 words of the next chaining value, and may be `cv`.
void cblake3_compress(
    const uint32_t cv[8], const uint8_t block[64], uint64_t counter, uint32_t length, uint32_t flags, uint32_t out[8]);
// The same with all 16 words, for extended output.
void cblake3_compress_wide(
    const uint32_t cv[8], const uint8_t block[64], uint64_t counter, uint32_t length, uint32_t flags, uint32_t out[16]);

extern const kernel_functions cblake3_portable;
#if KERNELS_X86
extern const kernel_functions cblake3_sse41, cblake3_avx2, cblake3_avx512;
#elif KERNELS_ARM
extern const kernel_functions cblake3_neon;
#endif
