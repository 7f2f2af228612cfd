/* The memory of tensors: 64-byte aligned blocks, kept for the next tensor of about that size.
 *
 * A training step asks for the same sizes at every step; a fresh large block would cost its page faults again each
 * time.  Blocks are rounded up to one of eight sizes between powers of two and put into a list per size.
 * Not locked: every caller holds Python's global lock. */
#include "memory.h"

#include <stdlib.h>

#include "threads.h"

enum { STEPS = 8, CLASSES = 64 * STEPS };

typedef struct block {
  struct block *next;
} block;

static block *idle[CLASSES];
static fn_memory_use use;

/* The class of a size, and the size of every block of that class: 64, 72 -> 128, ... 2^e * (1 + k/8). */
static int size_class(size_t *bytes) {
  size_t n = *bytes < 64 ? 64 : *bytes;
  int e = 63 - __builtin_clzll(n);
  size_t step = (size_t)1 << e >> 3;
  if (step < 64) step = 64;
  n = (n + step - 1) / step * step;
  e = 63 - __builtin_clzll(n);
  *bytes = n;
  return e * STEPS + (int)((n >> (e - 3)) & (STEPS - 1));
}

/* Gives idle blocks back to the system, the largest first, until no more than `keep` bytes are idle. */
static void trim(size_t keep) {
  for (int c = CLASSES - 1; c >= 0 && use.idle > keep; c--) {
    size_t size = ((size_t)STEPS + c % STEPS) << (c / STEPS) >> 3;
    while (idle[c] && use.idle > keep) {
      block *b = idle[c];
      idle[c] = b->next;
      use.idle -= size;
      free(b);
    }
  }
}

void fn_release_idle(void) { trim(0); }

fn_memory_use fn_memory(void) { return use; }

void *fn_alloc(size_t bytes) {
  if (bytes > (size_t)1 << 46) return NULL;
#ifdef __SANITIZE_ADDRESS__
  void *exact = fn_aligned(bytes ? bytes : 1); /* not rounded up: so that the sanitizer sees an access beyond the end */
  size_class(&bytes);
  if (exact) use.live += bytes;
  return exact;
#endif
  int c = size_class(&bytes);
  void *p = idle[c];
  if (p) {
    idle[c] = idle[c]->next;
    use.idle -= bytes;
  } else {
    const size_t reserve = (size_t)64 << 20;
    if (use.idle > reserve + use.live / 2) trim(reserve / 2 + use.live / 4);
    if (!(p = fn_aligned(bytes))) {
      trim(0);
      if (!(p = fn_aligned(bytes))) return NULL;
    }
  }
  use.live += bytes;
  return p;
}

void fn_free(void *p, size_t bytes) {
  if (!p) return;
  int c = size_class(&bytes);
  use.live -= bytes;
#ifdef __SANITIZE_ADDRESS__
  (void)c;
  free(p); /* so that the sanitizer sees a use after free */
#else
  use.idle += bytes;
  ((block *)p)->next = idle[c];
  idle[c] = p;
#endif
}
