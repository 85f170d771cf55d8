// Two steps of 16 lanes side by side, AVX-512 only; included after the 16-lane instance of lanes.h.
//
// One step alone spends most of its time waiting for its own results: an instruction on 512 bits has 2 cycles of
// latency on Zen 5, which can start 4 of them in every cycle. The state of two steps takes all 32 registers, so the
// message words stay in memory, where an addition reads them at no further cost. The compiler would move registers to
// memory and back on the critical path; with every instruction written as one that changes its first operand in
// place, there is nothing that it needs another register for.

#define ADD(a, b) __asm__("vpaddd %1, %0, %0" : "+v"(a) : "v"(b))
#define ADD_MESSAGE(a, x) __asm__("vpaddd %1, %0, %0" : "+v"(a) : "m"(x))
#define XOR(a, b) __asm__("vpxord %1, %0, %0" : "+v"(a) : "v"(b))
#define ROTATE(a, n) __asm__("vprord $" #n ", %0, %0" : "+v"(a))

// One instruction for all four columns (or diagonals) of the state s, which is v or w.
#define FOUR(OP, s, a0, b0, a1, b1, a2, b2, a3, b3) \
    OP(s##a0, s##b0);                               \
    OP(s##a1, s##b1);                               \
    OP(s##a2, s##b2);                               \
    OP(s##a3, s##b3)
#define FOUR_ROTATE(s, a0, a1, a2, a3, n) \
    ROTATE(s##a0, n);                     \
    ROTATE(s##a1, n);                     \
    ROTATE(s##a2, n);                     \
    ROTATE(s##a3, n)
#define FOUR_MESSAGES(s, t, a0, x0, a1, x1, a2, x2, a3, x3) \
    ADD_MESSAGE(s##a0, t[x0]);                              \
    ADD_MESSAGE(s##a1, t[x1]);                              \
    ADD_MESSAGE(s##a2, t[x2]);                              \
    ADD_MESSAGE(s##a3, t[x3])
// w is one instruction behind v, so that the rotations of one, which only half of the pipes can do, meet additions of
// the other.
#define HALF(a0, b0, c0, d0, x0, y0, a1, b1, c1, d1, x1, y1, a2, b2, c2, d2, x2, y2, a3, b3, c3, d3, x3, y3) \
    FOUR_MESSAGES(v, m, a0, x0, a1, x1, a2, x2, a3, x3);                                                     \
    FOUR(ADD, v, a0, b0, a1, b1, a2, b2, a3, b3);                                                            \
    FOUR_MESSAGES(w, n, a0, x0, a1, x1, a2, x2, a3, x3);                                                     \
    FOUR(XOR, v, d0, a0, d1, a1, d2, a2, d3, a3);                                                            \
    FOUR(ADD, w, a0, b0, a1, b1, a2, b2, a3, b3);                                                            \
    FOUR_ROTATE(v, d0, d1, d2, d3, 16);                                                                      \
    FOUR(XOR, w, d0, a0, d1, a1, d2, a2, d3, a3);                                                            \
    FOUR(ADD, v, c0, d0, c1, d1, c2, d2, c3, d3);                                                            \
    FOUR_ROTATE(w, d0, d1, d2, d3, 16);                                                                      \
    FOUR(XOR, v, b0, c0, b1, c1, b2, c2, b3, c3);                                                            \
    FOUR(ADD, w, c0, d0, c1, d1, c2, d2, c3, d3);                                                            \
    FOUR_ROTATE(v, b0, b1, b2, b3, 12);                                                                      \
    FOUR(XOR, w, b0, c0, b1, c1, b2, c2, b3, c3);                                                            \
    FOUR_MESSAGES(v, m, a0, y0, a1, y1, a2, y2, a3, y3);                                                     \
    FOUR_ROTATE(w, b0, b1, b2, b3, 12);                                                                      \
    FOUR(ADD, v, a0, b0, a1, b1, a2, b2, a3, b3);                                                            \
    FOUR_MESSAGES(w, n, a0, y0, a1, y1, a2, y2, a3, y3);                                                     \
    FOUR(XOR, v, d0, a0, d1, a1, d2, a2, d3, a3);                                                            \
    FOUR(ADD, w, a0, b0, a1, b1, a2, b2, a3, b3);                                                            \
    FOUR_ROTATE(v, d0, d1, d2, d3, 8);                                                                       \
    FOUR(XOR, w, d0, a0, d1, a1, d2, a2, d3, a3);                                                            \
    FOUR(ADD, v, c0, d0, c1, d1, c2, d2, c3, d3);                                                            \
    FOUR_ROTATE(w, d0, d1, d2, d3, 8);                                                                       \
    FOUR(XOR, v, b0, c0, b1, c1, b2, c2, b3, c3);                                                            \
    FOUR(ADD, w, c0, d0, c1, d1, c2, d2, c3, d3);                                                            \
    FOUR_ROTATE(v, b0, b1, b2, b3, 7);                                                                       \
    FOUR(XOR, w, b0, c0, b1, c1, b2, c2, b3, c3);                                                            \
    FOUR_ROTATE(w, b0, b1, b2, b3, 7)
#define ROUND(i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11, i12, i13, i14, i15)                        \
    do {                                                                                                   \
        HALF(0, 4, 8, 12, i0, i1, 1, 5, 9, 13, i2, i3, 2, 6, 10, 14, i4, i5, 3, 7, 11, 15, i6, i7);        \
        HALF(0, 5, 10, 15, i8, i9, 1, 6, 11, 12, i10, i11, 2, 7, 8, 13, i12, i13, 3, 4, 9, 14, i14, i15);  \
    } while (0)

// 32 inputs of `blocks` whole blocks each; otherwise as `uniform`.
static void avx512_16_twofold(
    const lane_job *jobs, const lane_job *ahead, size_t blocks, const uint32_t key[8], uint32_t flags, uint32_t start,
    uint32_t end
) {
    typedef avx512_16_vector V;
    V low[2], high[2], last[2], cv[2][8];
    const uint8_t *at[32];
    for (int half = 0; half < 2; half++) {
        avx512_16_load_jobs(jobs + half * 16, &low[half], &high[half], &last[half]);
        for (int i = 0; i < 8; i++) cv[half][i] = avx512_16_all(key[i]);
    }
    for (int lane = 0; lane < 32; lane++) at[lane] = jobs[lane].input;
    for (size_t block = 0; block < blocks; block++) {
        V m[16], n[16];
        avx512_16_load_blocks(at, m);
        avx512_16_load_blocks(at + 16, n);
        V common = avx512_16_all(flags | (block == 0 ? start : 0));
        V v15 = common, w15 = common;
        if (block + 1 == blocks) {
            v15 |= avx512_16_all(end) | last[0];
            w15 |= avx512_16_all(end) | last[1];
        }
        V v0 = cv[0][0], v1 = cv[0][1], v2 = cv[0][2], v3 = cv[0][3];
        V v4 = cv[0][4], v5 = cv[0][5], v6 = cv[0][6], v7 = cv[0][7];
        V w0 = cv[1][0], w1 = cv[1][1], w2 = cv[1][2], w3 = cv[1][3];
        V w4 = cv[1][4], w5 = cv[1][5], w6 = cv[1][6], w7 = cv[1][7];
        V v8 = avx512_16_all(IV[0]), v9 = avx512_16_all(IV[1]);
        V v10 = avx512_16_all(IV[2]), v11 = avx512_16_all(IV[3]);
        V w8 = v8, w9 = v9, w10 = v10, w11 = v11;
        V v12 = low[0], v13 = high[0], v14 = avx512_16_all(BLOCK_BYTES);
        V w12 = low[1], w13 = high[1], w14 = v14;
#include "rounds.h"
        cv[0][0] = v0 ^ v8, cv[0][1] = v1 ^ v9, cv[0][2] = v2 ^ v10, cv[0][3] = v3 ^ v11;
        cv[0][4] = v4 ^ v12, cv[0][5] = v5 ^ v13, cv[0][6] = v6 ^ v14, cv[0][7] = v7 ^ v15;
        cv[1][0] = w0 ^ w8, cv[1][1] = w1 ^ w9, cv[1][2] = w2 ^ w10, cv[1][3] = w3 ^ w11;
        cv[1][4] = w4 ^ w12, cv[1][5] = w5 ^ w13, cv[1][6] = w6 ^ w14, cv[1][7] = w7 ^ w15;
        for (int lane = 0; lane < 32; lane++) {
            at[lane] += BLOCK_BYTES;
            __builtin_prefetch(ahead[lane].input + block * BLOCK_BYTES);
        }
    }
    avx512_16_store_cvs(jobs, cv[0]);
    avx512_16_store_cvs(jobs + 16, cv[1]);
}

#undef ADD
#undef ADD_MESSAGE
#undef XOR
#undef ROTATE
#undef FOUR
#undef FOUR_ROTATE
#undef FOUR_MESSAGES
#undef HALF
#undef ROUND
