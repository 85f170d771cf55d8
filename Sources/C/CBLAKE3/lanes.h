// A vector kernel of LANES lanes (4, 8 or 16), instantiated by including this file with LANES and NAME(x) defined and
// a target attribute in force. Every lane compresses its own chunk or parent: word i of the state of all lanes is one
// vector. Written with clang's vector extensions, so that the same text serves SSE4.1, AVX2, AVX-512 and NEON.

typedef uint32_t NAME(vector) __attribute__((vector_size(4 * LANES)));
#define V NAME(vector)

static inline V NAME(load)(const void *p) {
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline V NAME(all)(uint32_t x) { return (V){0} + x; }

// Interleaving within every 128 bits: 32-bit words, then 64-bit pairs.
#if LANES == 4
#define LOW32(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH32(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define LOW64(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define HIGH64(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#elif LANES == 8
#define LOW32(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH32(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW64(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH64(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
// Halves of 128 bits: the first ones of both, the second ones of both.
#define FIRST128(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define SECOND128(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#else
#define LOW32(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH32(a, b) \
    __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW64(a, b) \
    __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH64(a, b) \
    __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
// Quarters of 128 bits: the even ones of a, then of b; and the odd ones; and the lower and upper halves, alternating.
#define EVEN128(a, b) \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD128(a, b) \
    __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#define LOWER256(a, b) \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
#define UPPER256(a, b) \
    __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
#endif

// Words of 4 vectors, transposed within every 128 bits.
static inline void NAME(transpose4)(V *r) {
    V a = LOW32(r[0], r[1]), b = LOW32(r[2], r[3]), c = HIGH32(r[0], r[1]), d = HIGH32(r[2], r[3]);
    r[0] = LOW64(a, b);
    r[1] = HIGH64(a, b);
    r[2] = LOW64(c, d);
    r[3] = HIGH64(c, d);
}

// The 16 words of one block of every lane: m[i] has word i of all lanes.
static inline void NAME(load_blocks)(const uint8_t *const *blocks, V m[16]) {
#if LANES == 4
    for (int part = 0; part < 4; part++) {
        for (int lane = 0; lane < 4; lane++) m[4 * part + lane] = NAME(load)(blocks[lane] + 16 * part);
        NAME(transpose4)(m + 4 * part);
    }
#elif LANES == 8
    for (int part = 0; part < 2; part++) {
        V r[8];
        for (int lane = 0; lane < 8; lane++) r[lane] = NAME(load)(blocks[lane] + 32 * part);
        NAME(transpose4)(r);
        NAME(transpose4)(r + 4);
        for (int i = 0; i < 4; i++) {
            m[8 * part + i] = FIRST128(r[i], r[4 + i]);
            m[8 * part + 4 + i] = SECOND128(r[i], r[4 + i]);
        }
    }
#else
    V r[16];
    for (int lane = 0; lane < 16; lane++) r[lane] = NAME(load)(blocks[lane]);
    for (int i = 0; i < 16; i += 4) NAME(transpose4)(r + i);
    for (int i = 0; i < 4; i++) {
        V a = EVEN128(r[i], r[4 + i]), b = ODD128(r[i], r[4 + i]);
        V c = EVEN128(r[8 + i], r[12 + i]), d = ODD128(r[8 + i], r[12 + i]);
        m[i] = EVEN128(a, c);
        m[4 + i] = EVEN128(b, d);
        m[8 + i] = ODD128(a, c);
        m[12 + i] = ODD128(b, d);
    }
#endif
}

// The 8 words of every lane's chaining value, to where its job wants them.
static inline void NAME(store_cvs)(const lane_job *jobs, V cv[8]) {
    NAME(transpose4)(cv);
    NAME(transpose4)(cv + 4);
    for (int i = 0; i < 4; i++) {
#if LANES == 4
        memcpy(jobs[i].cv, &cv[i], 16);
        memcpy(jobs[i].cv + 4, &cv[4 + i], 16);
#elif LANES == 8
        V a = FIRST128(cv[i], cv[4 + i]), b = SECOND128(cv[i], cv[4 + i]);
        memcpy(jobs[i].cv, &a, 32);
        memcpy(jobs[4 + i].cv, &b, 32);
#else
        V a = LOWER256(cv[i], cv[4 + i]), b = UPPER256(cv[i], cv[4 + i]);
        memcpy(jobs[i].cv, &a, 32);
        memcpy(jobs[4 + i].cv, (const char *)&a + 32, 32);
        memcpy(jobs[8 + i].cv, &b, 32);
        memcpy(jobs[12 + i].cv, (const char *)&b + 32, 32);
#endif
    }
}

#define ROTATED(x, n) ((x) >> (n) | (x) << (32 - (n)))
// The four mixing steps of a half round, side by side, so that none waits for its own last result.
#define HALF(a0, b0, c0, d0, x0, y0, a1, b1, c1, d1, x1, y1, a2, b2, c2, d2, x2, y2, a3, b3, c3, d3, x3, y3) \
    do {                                                                                                   \
        a0 += x0, a1 += x1, a2 += x2, a3 += x3;                                                            \
        a0 += b0, a1 += b1, a2 += b2, a3 += b3;                                                            \
        d0 ^= a0, d1 ^= a1, d2 ^= a2, d3 ^= a3;                                                            \
        d0 = ROTATED(d0, 16), d1 = ROTATED(d1, 16), d2 = ROTATED(d2, 16), d3 = ROTATED(d3, 16);            \
        c0 += d0, c1 += d1, c2 += d2, c3 += d3;                                                            \
        b0 ^= c0, b1 ^= c1, b2 ^= c2, b3 ^= c3;                                                            \
        b0 = ROTATED(b0, 12), b1 = ROTATED(b1, 12), b2 = ROTATED(b2, 12), b3 = ROTATED(b3, 12);            \
        a0 += y0, a1 += y1, a2 += y2, a3 += y3;                                                            \
        a0 += b0, a1 += b1, a2 += b2, a3 += b3;                                                            \
        d0 ^= a0, d1 ^= a1, d2 ^= a2, d3 ^= a3;                                                            \
        d0 = ROTATED(d0, 8), d1 = ROTATED(d1, 8), d2 = ROTATED(d2, 8), d3 = ROTATED(d3, 8);                \
        c0 += d0, c1 += d1, c2 += d2, c3 += d3;                                                            \
        b0 ^= c0, b1 ^= c1, b2 ^= c2, b3 ^= c3;                                                            \
        b0 = ROTATED(b0, 7), b1 = ROTATED(b1, 7), b2 = ROTATED(b2, 7), b3 = ROTATED(b3, 7);                \
    } while (0)
#define ROUND(i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11, i12, i13, i14, i15)                       \
    do {                                                                                                   \
        HALF(v0, v4, v8, v12, m[i0], m[i1], v1, v5, v9, v13, m[i2], m[i3],                                 \
             v2, v6, v10, v14, m[i4], m[i5], v3, v7, v11, v15, m[i6], m[i7]);                              \
        HALF(v0, v5, v10, v15, m[i8], m[i9], v1, v6, v11, v12, m[i10], m[i11],                             \
             v2, v7, v8, v13, m[i12], m[i13], v3, v4, v9, v14, m[i14], m[i15]);                            \
    } while (0)

static inline __attribute__((always_inline)) void NAME(compress)(
    V cv[8], const uint8_t *const *blocks, V counter_low, V counter_high, V length, V flags
) {
    V m[16];
    NAME(load_blocks)(blocks, m);
    V v0 = cv[0], v1 = cv[1], v2 = cv[2], v3 = cv[3], v4 = cv[4], v5 = cv[5], v6 = cv[6], v7 = cv[7];
    V v8 = NAME(all)(IV[0]), v9 = NAME(all)(IV[1]), v10 = NAME(all)(IV[2]), v11 = NAME(all)(IV[3]);
    V v12 = counter_low, v13 = counter_high, v14 = length, v15 = flags;
#include "rounds.h"
    cv[0] = v0 ^ v8;
    cv[1] = v1 ^ v9;
    cv[2] = v2 ^ v10;
    cv[3] = v3 ^ v11;
    cv[4] = v4 ^ v12;
    cv[5] = v5 ^ v13;
    cv[6] = v6 ^ v14;
    cv[7] = v7 ^ v15;
}

// The counters and last flags of all lanes.
static inline void NAME(load_jobs)(const lane_job *jobs, V *counter_low, V *counter_high, V *last) {
    uint32_t low[LANES], high[LANES], flags[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        low[lane] = (uint32_t)jobs[lane].counter;
        high[lane] = (uint32_t)(jobs[lane].counter >> 32);
        flags[lane] = jobs[lane].last;
    }
    *counter_low = NAME(load)(low);
    *counter_high = NAME(load)(high);
    *last = NAME(load)(flags);
}

// LANES inputs of `blocks` whole blocks each. Of `ahead`, inputs of the next step, each lane fetches into the cache as
// many blocks as it compresses: 16 streams are more than the processor foresees by itself.
static void NAME(uniform)(
    const lane_job *jobs, const lane_job *ahead, size_t blocks, const uint32_t key[8], uint32_t flags, uint32_t start,
    uint32_t end
) {
    V counter_low, counter_high, last, cv[8];
    NAME(load_jobs)(jobs, &counter_low, &counter_high, &last);
    const uint8_t *at[LANES];
    for (int lane = 0; lane < LANES; lane++) at[lane] = jobs[lane].input;
    for (int i = 0; i < 8; i++) cv[i] = NAME(all)(key[i]);
    for (size_t block = 0; block < blocks; block++) {
        V now = NAME(all)(flags | (block == 0 ? start : 0));
        if (block + 1 == blocks) now |= NAME(all)(end) | last;
        NAME(compress)(cv, at, counter_low, counter_high, NAME(all)(BLOCK_BYTES), now);
        for (int lane = 0; lane < LANES; lane++) {
            at[lane] += BLOCK_BYTES;
            __builtin_prefetch(ahead[lane].input + block * BLOCK_BYTES);
        }
    }
    NAME(store_cvs)(jobs, cv);
}

// LANES chunks of any length up to 1,024 bytes. A lane that is done keeps its chaining value.
static void NAME(uneven)(const lane_job *jobs, const uint32_t key[8], uint32_t flags) {
    V counter_low, counter_high, last, cv[8];
    NAME(load_jobs)(jobs, &counter_low, &counter_high, &last);
    for (int i = 0; i < 8; i++) cv[i] = NAME(all)(key[i]);
    uint8_t ends[LANES][BLOCK_BYTES];
    uint32_t most = 0;
    for (int lane = 0; lane < LANES; lane++) {
        // The bytes of the last block, then zeros, since nothing after an input may be read.
        uint32_t length = jobs[lane].length, whole = length == 0 ? 0 : (length - 1) / BLOCK_BYTES * BLOCK_BYTES;
        memset(ends[lane], 0, BLOCK_BYTES);
        if (length > whole) memcpy(ends[lane], jobs[lane].input + whole, length - whole);
        if (whole > most) most = whole;
    }
    for (uint32_t offset = 0; offset <= most; offset += BLOCK_BYTES) {
        const uint8_t *at[LANES];
        uint32_t lengths[LANES], ending[LANES], active[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            uint32_t length = jobs[lane].length;
            int is_inner = length > offset + BLOCK_BYTES;
            at[lane] = is_inner ? jobs[lane].input + offset : ends[lane];
            lengths[lane] = is_inner ? BLOCK_BYTES : length - offset;
            ending[lane] = is_inner ? 0 : UINT32_MAX;
            active[lane] = offset == 0 || length > offset ? UINT32_MAX : 0;
        }
        V next[8];
        for (int i = 0; i < 8; i++) next[i] = cv[i];
        V now = NAME(all)(flags | (offset == 0 ? CHUNK_START : 0));
        now |= (NAME(all)(CHUNK_END) | last) & NAME(load)(ending);
        NAME(compress)(next, at, counter_low, counter_high, NAME(load)(lengths), now);
        V keep = NAME(load)(active);
        for (int i = 0; i < 8; i++) cv[i] = (next[i] & keep) | (cv[i] & ~keep);
    }
    NAME(store_cvs)(jobs, cv);
}

#undef V
#undef LOW32
#undef HIGH32
#undef LOW64
#undef HIGH64
#undef FIRST128
#undef SECOND128
#undef EVEN128
#undef ODD128
#undef LOWER256
#undef UPPER256
#undef ROTATED
#undef HALF
#undef ROUND
#undef LANES
#undef NAME
