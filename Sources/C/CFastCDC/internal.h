// What the parts of this library share: the rolling hash.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define GATHERS 1
#endif

// Bytes that the hash depends on: the gear value of an older one has been shifted out.
enum { WINDOW = 64 };

// Takes in one byte. The empty asm keeps the gear value in a register, so that `h` costs one instruction, a `lea`;
// without it the compiler adds from memory, which takes two and twice the time.
static inline uint64_t rolled(uint64_t h, const uint64_t *gear, uint8_t byte) {
    uint64_t g = gear[byte];
    __asm__("" : "+r"(g));
    return g + 2 * h;
}

// The hash of the WINDOW - 1 bytes before `end`.
static inline uint64_t warm(const uint64_t *gear, const uint8_t *end) {
    uint64_t h = 0;
    for (int i = WINDOW - 1; i > 0; i--) h = rolled(h, gear, end[-i]);
    return h;
}

// What CFASTCDC_GATHERS looks at at once: parts that follow each other, from whose ends on bytes are taken in.
enum { GATHERED_PARTS = 11, GATHERED_PART = 768, GATHERED = GATHERED_PARTS * GATHERED_PART };

// The first of the GATHERED_PARTS parts from `bytes` on with a byte after which the hash is below `threshold`; -1 if
// there is none. The WINDOW - 1 bytes before `bytes` are read too.
int cfastcdc_first_cut_part(const uint64_t *gear, const uint8_t *bytes, uint64_t threshold);
