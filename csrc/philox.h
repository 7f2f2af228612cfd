/* Random words by counting: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", 2011).
 *
 * A state is two 64-bit numbers, key and counter.  Its stream comes in groups of 64 words: group g is the 16 blocks
 * counter + 16 g ... + 15 of four words each, first word 0 of all 16 blocks, then word 1 and so on (vectors of any
 * width up to 16 lanes write that order without shuffling).  A draw of n words moves the counter on by 16 for each group
 * begun.  So word i of a draw depends on state and i alone, whoever computes it. */
#ifndef FN_PHILOX_H
#define FN_PHILOX_H
#include <stdint.h>

enum { FN_GROUP = 64, FN_GROUP_BLOCKS = 16, FN_PHILOX_ROUNDS = 10 };
static const uint32_t fn_philox_factor[2] = {0xD2511F53, 0xCD9E8D57}, fn_philox_bump[2] = {0x9E3779B9, 0xBB67AE85};

/* The block of a counter of 128 bits, whose upper half is `high`. */
static inline void fn_philox_at(uint64_t key, uint64_t counter, uint32_t high, uint32_t c[4]) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  c[0] = (uint32_t)counter, c[1] = (uint32_t)(counter >> 32), c[2] = high, c[3] = 0;
  for (int round = 0; round < FN_PHILOX_ROUNDS; round++) {
    uint64_t p0 = (uint64_t)fn_philox_factor[0] * c[0], p1 = (uint64_t)fn_philox_factor[1] * c[2];
    c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
    c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
    c[1] = (uint32_t)p1, c[3] = (uint32_t)p0;
    k0 += fn_philox_bump[0], k1 += fn_philox_bump[1];
  }
}

static inline void fn_philox(uint64_t key, uint64_t counter, uint32_t c[4]) { fn_philox_at(key, counter, 0, c); }

static inline void fn_philox_group(uint64_t key, uint64_t counter, uint32_t words[FN_GROUP]) {
  for (int block = 0; block < FN_GROUP_BLOCKS; block++) {
    uint32_t c[4];
    fn_philox(key, counter + (uint64_t)block, c);
    for (int w = 0; w < 4; w++) words[w * FN_GROUP_BLOCKS + block] = c[w];
  }
}

/* Moves the counter past a draw of n words. */
static inline void fn_advance(uint64_t *state, int64_t n) {
  state[1] += FN_GROUP_BLOCKS * (((uint64_t)n + FN_GROUP - 1) / FN_GROUP);
}

/* Dropout keeps element i where half i of the stream (each word has two, the lower first) reaches the threshold, so that
 * a rate counts in steps of 2^-16.  Bit i % 8 of byte i / 8 of the mask tells. */
static inline uint32_t fn_dropout_threshold(double rate) { return rate > 0 ? rate < 1 ? (uint32_t)(rate * 65536 + 0.5) : 65536 : 0; }
static inline double fn_dropout_scale(double rate) { return rate > 0 ? rate < 1 ? 1 / (1 - rate) : 0 : 1; }
#endif
