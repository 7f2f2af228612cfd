/* The table of kernels, as the Cython layer reads it once at import. */
#ifndef FN_SELECT_H
#define FN_SELECT_H
#include "fn.h"

extern const char *const fn_level_names[]; /* by FN_REF ... FN_V4 */
int64_t fn_entries(void);
const fn_entry *fn_entry_at(int64_t i);
int fn_best_level(void); /* the best instruction set of this processor */
#endif
