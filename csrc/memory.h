/* The allocator of tensors, as the Cython layer sees it. */
#ifndef FN_MEMORY_H
#define FN_MEMORY_H
#include <stddef.h>

typedef struct {
  size_t live; /* bytes in use by tensors */
  size_t idle; /* bytes kept for the next ones */
} fn_memory_use;

void *fn_alloc(size_t bytes); /* NULL if there is no memory */
void fn_free(void *p, size_t bytes); /* with the size that was asked for */
void fn_release_idle(void);
fn_memory_use fn_memory(void);
#endif
