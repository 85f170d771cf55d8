// The tree of BLAKE3: which chunks and parents there are, and in what groups the kernels get them.
#include "CBLAKE3.h"
#include <string.h>
#include "internal.h"

// Chunks whose chaining values are kept at once: 512 of them are 16 KiB of stack, and the parents above them leave
// only 3 % of all lane steps partly empty.
enum { GROUP_CHUNKS = 512 };
// Jobs collected before a kernel is called; a multiple of every kernel's lanes. Kernels look ahead within them.
enum { JOBS = GROUP_CHUNKS };

// MARK: Kernels

#if KERNELS_X86
#include <cpuid.h>

// The register sets that the operating system saves, XCR0.
static uint64_t saved_registers(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static int cpu_runs(cblake3_kernel kernel) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    if (!(c & bit_SSE4_1) || !(c & bit_SSSE3)) return 0;
    if (kernel == CBLAKE3_SSE41) return 1;
    if (!(c & bit_OSXSAVE) || !(c & bit_AVX)) return 0;
    uint64_t saved = saved_registers();
    if ((saved & 0x06) != 0x06) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if (kernel == CBLAKE3_AVX2) return (b & bit_AVX2) != 0;
    return (saved & 0xE6) == 0xE6 && (b & bit_AVX2) && (b & bit_AVX512F) && (b & bit_AVX512VL) && (b & bit_AVX512BW)
        && (b & bit_AVX512DQ);
}
#endif

int cblake3_is_available(cblake3_kernel kernel) {
    switch (kernel) {
    case CBLAKE3_PORTABLE: return 1;
#if KERNELS_X86
    case CBLAKE3_SSE41:
    case CBLAKE3_AVX2:
    case CBLAKE3_AVX512: return cpu_runs(kernel);
#elif KERNELS_ARM
    case CBLAKE3_NEON: return 1;
#endif
    default: return 0;
    }
}

cblake3_kernel cblake3_best_kernel(void) {
    // Several threads may ask at once: all of them find the same answer.
    static uint32_t known = UINT32_MAX;
    uint32_t best = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (best != UINT32_MAX) return (cblake3_kernel)best;
    best = CBLAKE3_PORTABLE;
    for (uint32_t kernel = CBLAKE3_SSE41; kernel <= CBLAKE3_NEON; kernel++) {
        if (cblake3_is_available((cblake3_kernel)kernel)) best = kernel;
    }
    __atomic_store_n(&known, best, __ATOMIC_RELAXED);
    return (cblake3_kernel)best;
}

static const kernel_functions *functions_of(cblake3_kernel kernel) {
    switch (kernel) {
#if KERNELS_X86
    case CBLAKE3_SSE41: return &cblake3_sse41;
    case CBLAKE3_AVX2: return &cblake3_avx2;
    case CBLAKE3_AVX512: return &cblake3_avx512;
#elif KERNELS_ARM
    case CBLAKE3_NEON: return &cblake3_neon;
#endif
    default: return &cblake3_portable;
    }
}

// MARK: Modes

static void store_words(uint8_t *bytes, const uint32_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bytes[4 * i] = (uint8_t)words[i];
        bytes[4 * i + 1] = (uint8_t)(words[i] >> 8);
        bytes[4 * i + 2] = (uint8_t)(words[i] >> 16);
        bytes[4 * i + 3] = (uint8_t)(words[i] >> 24);
    }
}

static void load_words(uint32_t *words, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        words[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 | (uint32_t)bytes[4 * i + 2] << 16
            | (uint32_t)bytes[4 * i + 3] << 24;
    }
}

cblake3_mode cblake3_mode_hash(void) {
    cblake3_mode mode = {.flags = 0};
    memcpy(mode.key, IV, sizeof IV);
    return mode;
}

cblake3_mode cblake3_mode_keyed(const uint8_t *key) {
    cblake3_mode mode = {.flags = KEYED_HASH};
    load_words(mode.key, key, 8);
    return mode;
}

cblake3_mode cblake3_mode_derive(const uint8_t *context, size_t length) {
    cblake3_mode naming = {.flags = DERIVE_KEY_CONTEXT};
    memcpy(naming.key, IV, sizeof IV);
    uint8_t key[CBLAKE3_KEY_BYTES];
    cblake3_hash(cblake3_best_kernel(), &naming, context, length, key);
    cblake3_mode mode = {.flags = DERIVE_KEY_MATERIAL};
    load_words(mode.key, key, 8);
    return mode;
}

// MARK: Groups of buffers

// A buffer of a group: its chaining values lie at `first ..< first + count`.
typedef struct member {
    const uint8_t *input;
    size_t length;
    size_t first;
    size_t count;
} member;

// Collects jobs for one kernel function and calls it when there are enough.
typedef struct queue {
    void (*run)(const lane_job *jobs, size_t count, const uint32_t key[8], uint32_t flags);
    const cblake3_mode *mode;
    size_t count;
    lane_job jobs[JOBS];
} queue;

// Leaves the jobs as they are: they are larger than what a small input needs.
static void open_queue(
    queue *queue, void (*run)(const lane_job *, size_t, const uint32_t[8], uint32_t), const cblake3_mode *mode
) {
    queue->run = run;
    queue->mode = mode;
    queue->count = 0;
}

static void flush(queue *queue) {
    if (queue->count > 0) queue->run(queue->jobs, queue->count, queue->mode->key, queue->mode->flags);
    queue->count = 0;
}

static inline void add(queue *queue, lane_job job) {
    queue->jobs[queue->count++] = job;
    if (queue->count == JOBS) flush(queue);
}

static size_t chunks_in(size_t length) {
    return length == 0 ? 1 : (length - 1) / CBLAKE3_CHUNK_BYTES + 1;
}

// A chunk goes to the ragged queue if it is short or if it is the root.
static int has_ragged_chunk(const member *member, int is_root) {
    return member->length % CBLAKE3_CHUNK_BYTES != 0 || member->length == 0 || (is_root && member->count == 1);
}

// The chaining values of all chunks of all members. `chunk` is the index of the first chunk of every member.
static void hash_chunks(
    const kernel_functions *kernel, const cblake3_mode *mode, const member *members, size_t count, uint64_t chunk,
    int is_root, uint32_t (*cvs)[8]
) {
    queue whole;
    open_queue(&whole, kernel->chunks, mode);
    // Lengths, in blocks, of the ragged chunks: sorted by it, neighbours share a lane step with little waste.
    size_t of_blocks[CHUNK_BLOCKS + 2] = {0};
    for (size_t m = 0; m < count; m++) {
        int ragged = has_ragged_chunk(&members[m], is_root);
        size_t last = members[m].count - (ragged ? 1 : 0);
        for (size_t i = 0; i < last; i++) {
            const uint8_t *input = members[m].input + i * CBLAKE3_CHUNK_BYTES;
            add(&whole, (lane_job){input, cvs[members[m].first + i], chunk + i, CBLAKE3_CHUNK_BYTES, 0});
        }
        if (ragged) of_blocks[(members[m].length - last * CBLAKE3_CHUNK_BYTES + 63) / BLOCK_BYTES + 1]++;
    }
    flush(&whole);

    for (size_t i = 1; i < CHUNK_BLOCKS + 2; i++) of_blocks[i] += of_blocks[i - 1];
    size_t all = of_blocks[CHUNK_BLOCKS + 1];
    if (all == 0) return;
    lane_job *jobs = whole.jobs;  // empty now, and there is one ragged chunk a member at most
    for (size_t m = 0; m < count; m++) {
        if (!has_ragged_chunk(&members[m], is_root)) continue;
        size_t last = members[m].count - 1;
        uint32_t length = (uint32_t)(members[m].length - last * CBLAKE3_CHUNK_BYTES);
        const uint8_t *input = members[m].input == NULL ? NULL : members[m].input + last * CBLAKE3_CHUNK_BYTES;
        jobs[of_blocks[(length + 63) / BLOCK_BYTES]++] = (lane_job){
            input, cvs[members[m].first + last], chunk + last, length, is_root && members[m].count == 1 ? ROOT : 0,
        };
    }
    kernel->ragged(jobs, all, mode->key, mode->flags);
}

// Joins the chaining values of every member, level by level, until `left` of them (1 or 2) remain at its `first`.
// An odd one at the end of a level goes up as it is: that is the specification's tree, whose left side is full.
static void join_levels(
    const kernel_functions *kernel, const cblake3_mode *mode, member *members, size_t count, int is_root, size_t left,
    uint32_t (*cvs)[8]
) {
    queue parents;
    open_queue(&parents, kernel->parents, mode);
    for (;;) {
        for (size_t m = 0; m < count; m++) {
            size_t width = members[m].count;
            if (width <= left) continue;
            uint32_t(*cv)[8] = cvs + members[m].first;
            uint32_t last = is_root && width == 2 ? ROOT : 0;
            for (size_t i = 0; i + 1 < width; i += 2) {
                add(&parents, (lane_job){(const uint8_t *)cv[i], cv[i / 2], 0, BLOCK_BYTES, last});
            }
        }
        flush(&parents);
        size_t open = 0;
        for (size_t m = 0; m < count; m++) {
            size_t width = members[m].count;
            if (width <= left) continue;
            // Only now: jobs of this level read the place where the odd one goes.
            if (width % 2 == 1) memcpy(cvs[members[m].first + width / 2], cvs[members[m].first + width - 1], 32);
            members[m].count = (width + 1) / 2;
            if (members[m].count > left) open++;
        }
        if (open == 0) return;
    }
}

// Chaining value of the subtree over `length` bytes, at most GROUP_CHUNKS chunks, of which the first has index
// `chunk`. Leaves `left` values (1, or 2 children for a caller that does not know yet whether they are the root's)
// in `out`.
static void hash_subtree(
    const kernel_functions *kernel, const cblake3_mode *mode, const uint8_t *input, size_t length, uint64_t chunk,
    size_t left, uint32_t (*out)[8]
) {
    uint32_t cvs[GROUP_CHUNKS][8];
    member whole = {input, length, 0, chunks_in(length)};
    hash_chunks(kernel, mode, &whole, 1, chunk, 0, cvs);
    join_levels(kernel, mode, &whole, 1, 0, left, cvs);
    memcpy(out, cvs, 32 * whole.count);
}

// Joins two chaining values of 8 words. `out` may be one of them.
static void join(const cblake3_mode *mode, const uint32_t a[8], const uint32_t b[8], uint32_t flags, uint32_t out[8]) {
    uint8_t block[BLOCK_BYTES];
    store_words(block, a, 8);
    store_words(block + 32, b, 8);
    cblake3_compress(mode->key, block, 0, BLOCK_BYTES, mode->flags | PARENT | flags, out);
}

// A buffer of more than GROUP_CHUNKS chunks: in subtrees of that size, joined as soon as two of one size stand side
// by side (never the root, because more input follows), the rest folded from the right.
static void hash_large(
    const kernel_functions *kernel, const cblake3_mode *mode, const uint8_t *input, size_t length, uint8_t *digest
) {
    enum { STEP = GROUP_CHUNKS * CBLAKE3_CHUNK_BYTES };
    uint32_t stack[CBLAKE3_DEPTH][8];
    uint32_t cv[1][8];
    size_t depth = 0;
    uint64_t steps = 0;
    while (length > STEP) {
        hash_subtree(kernel, mode, input, STEP, steps * GROUP_CHUNKS, 1, cv);
        steps++;
        for (uint64_t n = steps; n % 2 == 0; n /= 2) join(mode, stack[--depth], cv[0], 0, cv[0]);
        memcpy(stack[depth++], cv[0], 32);
        input += STEP;
        length -= STEP;
    }
    hash_subtree(kernel, mode, input, length, steps * GROUP_CHUNKS, 1, cv);
    while (depth > 0) {
        depth--;
        join(mode, stack[depth], cv[0], depth == 0 ? ROOT : 0, cv[0]);
    }
    store_words(digest, cv[0], 8);
}

void cblake3_hash_piece(
    cblake3_kernel kernel, const cblake3_mode *mode, const uint8_t *input, size_t length, uint64_t piece, uint8_t *value
) {
    enum { STEP = GROUP_CHUNKS * CBLAKE3_CHUNK_BYTES, STEPS = CBLAKE3_PIECE_BYTES / STEP };
    const kernel_functions *functions = functions_of(kernel);
    uint32_t cvs[STEPS][8];
    size_t steps = 0;
    for (size_t done = 0; done < length && steps < STEPS; steps++) {
        size_t part = length - done < STEP ? length - done : STEP;
        hash_subtree(
            functions, mode, input + done, part, (piece * STEPS + steps) * GROUP_CHUNKS, 1, cvs + steps);
        done += part;
    }
    // The left side of every join is full, as in the whole tree.
    for (size_t width = steps; width > 1; width = (width + 1) / 2) {
        for (size_t i = 0; i < width; i += 2) {
            if (i + 1 < width) join(mode, cvs[i], cvs[i + 1], 0, cvs[i / 2]);
            else memcpy(cvs[i / 2], cvs[i], 32);
        }
    }
    store_words(value, cvs[0], 8);
}

void cblake3_join_pieces(const cblake3_mode *mode, const uint8_t *values, size_t count, uint8_t *digest) {
    uint32_t stack[CBLAKE3_DEPTH][8];
    uint32_t cv[8];
    size_t depth = 0;
    for (size_t piece = 0; piece + 1 < count; piece++) {
        load_words(cv, values + 32 * piece, 8);
        for (size_t n = piece + 1; n % 2 == 0; n /= 2) join(mode, stack[--depth], cv, 0, cv);
        memcpy(stack[depth++], cv, 32);
    }
    load_words(cv, values + 32 * (count - 1), 8);
    while (depth > 0) {
        depth--;
        join(mode, stack[depth], cv, depth == 0 ? ROOT : 0, cv);
    }
    store_words(digest, cv, 8);
}

void cblake3_hash_many(
    cblake3_kernel kernel, const cblake3_mode *mode, const uint8_t *const *inputs, const size_t *lengths, size_t count,
    uint8_t *digests
) {
    const kernel_functions *functions = functions_of(kernel);
    uint32_t cvs[GROUP_CHUNKS][8];
    member members[GROUP_CHUNKS];
    size_t next = 0;
    while (next < count) {
        size_t first = next, chunks = 0, size = 0;
        for (; next < count; next++) {
            size_t more = chunks_in(lengths[next]);
            if (chunks + more > GROUP_CHUNKS) break;
            members[size++] = (member){inputs[next], lengths[next], chunks, more};
            chunks += more;
        }
        if (size == 0) {
            hash_large(functions, mode, inputs[next], lengths[next], digests + 32 * next);
            next++;
            continue;
        }
        hash_chunks(functions, mode, members, size, 0, 1, cvs);
        join_levels(functions, mode, members, size, 1, 1, cvs);
        for (size_t m = 0; m < size; m++) store_words(digests + 32 * (first + m), cvs[members[m].first], 8);
    }
}

void cblake3_hash(
    cblake3_kernel kernel, const cblake3_mode *mode, const uint8_t *input, size_t length, uint8_t *digest
) {
    if (length <= CBLAKE3_CHUNK_BYTES) {
        // One chunk has nothing to be parallel with.
        uint32_t cv[8];
        lane_job job = {input, cv, 0, (uint32_t)length, ROOT};
        cblake3_portable.ragged(&job, 1, mode->key, mode->flags);
        store_words(digest, cv, 8);
    } else {
        cblake3_hash_many(kernel, mode, &input, &length, 1, digest);
    }
}

// MARK: Incremental

void cblake3_hasher_start(cblake3_hasher *hasher, cblake3_kernel kernel, const cblake3_mode *mode) {
    hasher->mode = *mode;
    hasher->kernel = kernel;
    hasher->chunk = 0;
    hasher->block_length = 0;
    hasher->blocks = 0;
    hasher->depth = 0;
    memcpy(hasher->cv, mode->key, 32);
}

// Bytes in the chunk that is being filled.
static size_t filled(const cblake3_hasher *hasher) {
    return (size_t)hasher->blocks * BLOCK_BYTES + hasher->block_length;
}

static uint32_t chunk_flags(const cblake3_hasher *hasher) {
    return hasher->mode.flags | (hasher->blocks == 0 ? CHUNK_START : 0);
}

// Joins equal subtrees on the stack, which holds those of the first `chunks` chunks: one stays for every 1 bit of
// `chunks`. To be called only when it is certain that more input follows, since the last join of all is the root's.
static void settle(cblake3_hasher *hasher, uint64_t chunks) {
    while (hasher->depth > (uint32_t)__builtin_popcountll(chunks)) {
        hasher->depth--;
        join(&hasher->mode, hasher->stack[hasher->depth - 1], hasher->stack[hasher->depth], 0,
             hasher->stack[hasher->depth - 1]);
    }
}

// Puts the root of a finished subtree on the stack; `chunks` chunks are before it.
static void push(cblake3_hasher *hasher, uint64_t chunks, const uint32_t cv[8]) {
    settle(hasher, chunks);
    memcpy(hasher->stack[hasher->depth++], cv, 32);
}

// Adds bytes to the chunk that is being filled; at most as many as fit.
static void fill(cblake3_hasher *hasher, const uint8_t *input, size_t length) {
    while (length > 0) {
        if (hasher->block_length == BLOCK_BYTES) {
            cblake3_compress(
                hasher->cv, hasher->block, hasher->chunk, BLOCK_BYTES, chunk_flags(hasher), hasher->cv);
            hasher->blocks++;
            hasher->block_length = 0;
        }
        size_t part = BLOCK_BYTES - hasher->block_length;
        if (part > length) part = length;
        memcpy(hasher->block + hasher->block_length, input, part);
        hasher->block_length += (uint32_t)part;
        input += part;
        length -= part;
    }
}

static void finish_chunk(cblake3_hasher *hasher) {
    uint32_t cv[8];
    uint32_t flags = chunk_flags(hasher) | CHUNK_END;
    cblake3_compress(hasher->cv, hasher->block, hasher->chunk, hasher->block_length, flags, cv);
    push(hasher, hasher->chunk, cv);
    hasher->chunk++;
    hasher->blocks = 0;
    hasher->block_length = 0;
    memcpy(hasher->cv, hasher->mode.key, 32);
}

void cblake3_hasher_update(cblake3_hasher *hasher, const uint8_t *input, size_t length) {
    const kernel_functions *functions = functions_of(hasher->kernel);
    while (length > 0) {
        size_t held = filled(hasher);
        if (held > 0 || length <= CBLAKE3_CHUNK_BYTES) {
            if (held == CBLAKE3_CHUNK_BYTES) {
                finish_chunk(hasher);
                continue;
            }
            if (held == 0) settle(hasher, hasher->chunk);
            size_t part = CBLAKE3_CHUNK_BYTES - held;
            if (part > length) part = length;
            fill(hasher, input, part);
            input += part;
            length -= part;
            continue;
        }
        // At the start of a chunk with more than one chunk to come: the largest subtree that is aligned and whole.
        size_t chunks = GROUP_CHUNKS;
        while (chunks * CBLAKE3_CHUNK_BYTES > length || hasher->chunk % chunks != 0) chunks /= 2;
        size_t part = chunks * CBLAKE3_CHUNK_BYTES;
        uint32_t children[2][8];
        if (chunks == 1) {
            // Not the last one, since `length` is larger: so not the root.
            hash_subtree(functions, &hasher->mode, input, part, hasher->chunk, 1, children);
            push(hasher, hasher->chunk, children[0]);
        } else {
            hash_subtree(functions, &hasher->mode, input, part, hasher->chunk, 2, children);
            push(hasher, hasher->chunk, children[0]);
            push(hasher, hasher->chunk + chunks / 2, children[1]);
        }
        hasher->chunk += chunks;
        input += part;
        length -= part;
    }
}

void cblake3_hasher_finish(const cblake3_hasher *hasher, uint8_t *output, size_t length) {
    // The inputs of the last compression, the root's unless something is left on the stack.
    uint32_t cv[8];
    uint8_t block[BLOCK_BYTES] = {0};
    uint64_t counter = 0;
    uint32_t block_length = BLOCK_BYTES, flags, depth = hasher->depth;
    if (filled(hasher) > 0 || depth == 0) {
        memcpy(cv, hasher->cv, 32);
        memcpy(block, hasher->block, hasher->block_length);
        counter = hasher->chunk;
        block_length = hasher->block_length;
        flags = chunk_flags(hasher) | CHUNK_END;
    } else {
        depth -= 2;
        memcpy(cv, hasher->mode.key, 32);
        store_words(block, hasher->stack[depth], 8);
        store_words(block + 32, hasher->stack[depth + 1], 8);
        flags = hasher->mode.flags | PARENT;
    }
    while (depth > 0) {
        depth--;
        uint32_t right[8];
        cblake3_compress(cv, block, counter, block_length, flags, right);
        memcpy(cv, hasher->mode.key, 32);
        store_words(block, hasher->stack[depth], 8);
        store_words(block + 32, right, 8);
        counter = 0;
        block_length = BLOCK_BYTES;
        flags = hasher->mode.flags | PARENT;
    }
    for (uint64_t part = 0; length > 0; part++) {
        uint32_t words[16];
        uint8_t bytes[64];
        cblake3_compress_wide(cv, block, part, block_length, flags | ROOT, words);
        store_words(bytes, words, 16);
        size_t taken = length < sizeof bytes ? length : sizeof bytes;
        memcpy(output, bytes, taken);
        output += taken;
        length -= taken;
    }
}
