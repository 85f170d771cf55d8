// The portable kernel: one block at a time in general registers. Every other kernel is compared with it.
#include <string.h>
#include "internal.h"

static inline uint32_t load32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t rotated(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

#define G(a, b, c, d, x, y)           \
    do {                              \
        v##a += v##b + (x);           \
        v##d = rotated(v##d ^ v##a, 16); \
        v##c += v##d;                 \
        v##b = rotated(v##b ^ v##c, 12); \
        v##a += v##b + (y);           \
        v##d = rotated(v##d ^ v##a, 8);  \
        v##c += v##d;                 \
        v##b = rotated(v##b ^ v##c, 7);  \
    } while (0)

// One round with the message words in the order that the permutation has reached.
#define ROUND(i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11, i12, i13, i14, i15) \
    do {                                                                             \
        G(0, 4, 8, 12, m[i0], m[i1]);                                                \
        G(1, 5, 9, 13, m[i2], m[i3]);                                                \
        G(2, 6, 10, 14, m[i4], m[i5]);                                               \
        G(3, 7, 11, 15, m[i6], m[i7]);                                               \
        G(0, 5, 10, 15, m[i8], m[i9]);                                               \
        G(1, 6, 11, 12, m[i10], m[i11]);                                             \
        G(2, 7, 8, 13, m[i12], m[i13]);                                              \
        G(3, 4, 9, 14, m[i14], m[i15]);                                              \
    } while (0)

void cblake3_compress_wide(
    const uint32_t cv[8], const uint8_t block[64], uint64_t counter, uint32_t length, uint32_t flags, uint32_t out[16]
) {
    uint32_t m[16];
    for (int i = 0; i < 16; i++) m[i] = load32(block + 4 * i);
    uint32_t v0 = cv[0], v1 = cv[1], v2 = cv[2], v3 = cv[3], v4 = cv[4], v5 = cv[5], v6 = cv[6], v7 = cv[7];
    uint32_t v8 = IV[0], v9 = IV[1], v10 = IV[2], v11 = IV[3];
    uint32_t v12 = (uint32_t)counter, v13 = (uint32_t)(counter >> 32), v14 = length, v15 = flags;
#include "rounds.h"
    out[8] = v8 ^ cv[0];
    out[9] = v9 ^ cv[1];
    out[10] = v10 ^ cv[2];
    out[11] = v11 ^ cv[3];
    out[12] = v12 ^ cv[4];
    out[13] = v13 ^ cv[5];
    out[14] = v14 ^ cv[6];
    out[15] = v15 ^ cv[7];
    out[0] = v0 ^ v8;
    out[1] = v1 ^ v9;
    out[2] = v2 ^ v10;
    out[3] = v3 ^ v11;
    out[4] = v4 ^ v12;
    out[5] = v5 ^ v13;
    out[6] = v6 ^ v14;
    out[7] = v7 ^ v15;
}

void cblake3_compress(
    const uint32_t cv[8], const uint8_t block[64], uint64_t counter, uint32_t length, uint32_t flags, uint32_t out[8]
) {
    uint32_t wide[16];
    cblake3_compress_wide(cv, block, counter, length, flags, wide);
    memcpy(out, wide, 32);
}

static void ragged_chunk(const lane_job *job, uint32_t length, const uint32_t key[8], uint32_t flags) {
    uint32_t cv[8];
    memcpy(cv, key, 32);
    const uint8_t *input = job->input;
    uint32_t start = CHUNK_START;
    while (length > BLOCK_BYTES) {
        cblake3_compress(cv, input, job->counter, BLOCK_BYTES, flags | start, cv);
        start = 0;
        input += BLOCK_BYTES;
        length -= BLOCK_BYTES;
    }
    uint8_t block[BLOCK_BYTES] = {0};
    if (length > 0) memcpy(block, input, length);
    cblake3_compress(cv, block, job->counter, length, flags | start | CHUNK_END | job->last, job->cv);
}

static void portable_chunks(const lane_job *jobs, size_t count, const uint32_t key[8], uint32_t flags) {
    for (size_t i = 0; i < count; i++) ragged_chunk(&jobs[i], CBLAKE3_CHUNK_BYTES, key, flags);
}

static void portable_ragged(const lane_job *jobs, size_t count, const uint32_t key[8], uint32_t flags) {
    for (size_t i = 0; i < count; i++) ragged_chunk(&jobs[i], jobs[i].length, key, flags);
}

static void portable_parents(const lane_job *jobs, size_t count, const uint32_t key[8], uint32_t flags) {
    for (size_t i = 0; i < count; i++) {
        cblake3_compress(key, jobs[i].input, 0, BLOCK_BYTES, flags | PARENT | jobs[i].last, jobs[i].cv);
    }
}

const kernel_functions cblake3_portable = {portable_chunks, portable_parents, portable_ragged};
