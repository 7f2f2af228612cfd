/* Which kernel runs: of each name and dtype the best that this machine has. */
#include "select.h"

#include <string.h>

#ifdef __APPLE__
extern const fn_entry *const first_entry[] __asm("section$start$__DATA$fn_kernels");
extern const fn_entry *const end_entry[] __asm("section$end$__DATA$fn_kernels");
#else
extern const fn_entry *const first_entry[] __asm("__start_fn_kernels") __attribute__((visibility("hidden")));
extern const fn_entry *const end_entry[] __asm("__stop_fn_kernels") __attribute__((visibility("hidden")));
#endif

const char *const fn_level_names[] = {"ref", "neon", "v2", "v3", "v4"};

int64_t fn_entries(void) { return end_entry - first_entry; }

const fn_entry *fn_entry_at(int64_t i) { return first_entry[i]; }

int fn_best_level(void) {
#if defined(__aarch64__)
  return FN_NEON;
#elif defined(__x86_64__)
  __builtin_cpu_init();
#define HAS(feature) __builtin_cpu_supports(feature)
  if (!(HAS("ssse3") && HAS("sse4.1") && HAS("sse4.2") && HAS("popcnt"))) return FN_REF;
  if (!(HAS("avx2") && HAS("fma") && HAS("bmi") && HAS("bmi2"))) return FN_V2;
  if (!(HAS("avx512f") && HAS("avx512bw") && HAS("avx512cd") && HAS("avx512dq") && HAS("avx512vl"))) return FN_V3;
  return FN_V4;
#else
  return FN_REF;
#endif
}
