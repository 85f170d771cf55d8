#pragma once
// BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), written for Mirrorfleet from the specification.
// Nothing here allocates, blocks or keeps state between calls; all functions may be called from any thread.
#include <stddef.h>
#include <stdint.h>

enum {
    CBLAKE3_DIGEST_BYTES = 32,
    CBLAKE3_KEY_BYTES = 32,
    CBLAKE3_CHUNK_BYTES = 1024,
    // 2^54 chunks of 1 KiB are 2^64 bytes, the most that BLAKE3 can hash.
    CBLAKE3_DEPTH = 54,
    // A piece of an input that is hashed by itself: a power of two of chunks, so that it is a whole subtree.
    CBLAKE3_PIECE_BYTES = 1 << 20,
};

// Which instructions compress. All give the same digests.
typedef enum cblake3_kernel : uint32_t {
    CBLAKE3_PORTABLE = 0,
    CBLAKE3_SSE41 = 1,
    CBLAKE3_AVX2 = 2,
    CBLAKE3_AVX512 = 3,
    CBLAKE3_NEON = 4,
} cblake3_kernel;

// Whether this build and this processor can run `kernel`.
int cblake3_is_available(cblake3_kernel kernel);
// The fastest kernel of this processor. Asks the processor once, then costs one load.
cblake3_kernel cblake3_best_kernel(void);

// Key words and mode flags of hash, keyed_hash or derive_key.
typedef struct cblake3_mode {
    uint32_t key[8];
    uint32_t flags;
} cblake3_mode;

cblake3_mode cblake3_mode_hash(void);
cblake3_mode cblake3_mode_keyed(const uint8_t *_Nonnull key);
// The mode that derives keys from material under `context`; hashes the context.
cblake3_mode cblake3_mode_derive(const uint8_t *_Nonnull context, size_t length);

// The digest of a whole buffer. `input` may be null when `length` is 0.
void cblake3_hash(
    cblake3_kernel kernel, const cblake3_mode *_Nonnull mode, const uint8_t *_Nullable input, size_t length,
    uint8_t *_Nonnull digest);

// The digests of `count` buffers, 32 bytes each, in order. Lanes are filled across buffers.
void cblake3_hash_many(
    cblake3_kernel kernel, const cblake3_mode *_Nonnull mode, const uint8_t *_Nullable const *_Nonnull inputs,
    const size_t *_Nonnull lengths, size_t count, uint8_t *_Nonnull digests);

// The chaining value (32 bytes) of piece number `piece` of an input of more than one piece. All pieces have
// CBLAKE3_PIECE_BYTES bytes but the last, which has 1 to that many. Pieces may be hashed in any order, by any threads.
void cblake3_hash_piece(
    cblake3_kernel kernel, const cblake3_mode *_Nonnull mode, const uint8_t *_Nonnull input, size_t length,
    uint64_t piece, uint8_t *_Nonnull value);

// The digest of the input whose `count` pieces, at least 2, have these values, 32 bytes each, in order.
void cblake3_join_pieces(
    const cblake3_mode *_Nonnull mode, const uint8_t *_Nonnull values, size_t count, uint8_t *_Nonnull digest);

// Incremental hashing. The caller owns the memory; a bytewise copy is an independent hasher.
typedef struct cblake3_hasher {
    cblake3_mode mode;
    cblake3_kernel kernel;
    uint64_t chunk;          // index of the chunk that is being filled
    uint32_t cv[8];          // chaining value of that chunk
    uint8_t block[64];       // its last block, kept back because it may be the final one
    uint32_t block_length;   // bytes in `block`
    uint32_t blocks;         // blocks of the chunk already compressed
    uint32_t depth;          // chaining values on the stack
    uint32_t stack[CBLAKE3_DEPTH + 1][8];  // roots of finished subtrees, largest first
} cblake3_hasher;

void cblake3_hasher_start(cblake3_hasher *_Nonnull hasher, cblake3_kernel kernel, const cblake3_mode *_Nonnull mode);
void cblake3_hasher_update(cblake3_hasher *_Nonnull hasher, const uint8_t *_Nullable input, size_t length);
// Writes `length` bytes of output (32 for a digest, any number for the extended output). Does not change the hasher.
void cblake3_hasher_finish(const cblake3_hasher *_Nonnull hasher, uint8_t *_Nonnull output, size_t length);
