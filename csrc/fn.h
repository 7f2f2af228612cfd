/* The one calling convention of fastnn's kernels, and how a kernel makes itself known.
 *
 * A kernel is a plain C function over an array of arguments.  It knows nothing of Python, allocates
 * nothing that outlives the call, and its signature string says all that a caller has to check:
 *
 *     FN_KERNEL(axpy, "alpha:f x:T[n] y:T[n]~ n:n") {
 *       double alpha = a[0].f;
 *       const T *x = a[1].p;
 *       T *y = a[2].p;
 *       for (int64_t i = 0, n = a[3].i; i < n; i++) y[i] += (T)alpha * x[i];
 *       return FN_OK;
 *     }
 *
 * Signature: blank-separated `name:kind` in the order of the arguments.
 *   n  a size or other integer >= 0        p  an integer >= 1 (divisors, strides, windows)
 *   i  any integer (flags, padding)        f  a double
 *   T[extent]   array of the kernel's own dtype (float or double, one kernel compiled for each)
 *   f32 f64 i8 u8 i16 u16 i32 u32 i64 u64 [extent]   array of that dtype (bool passes as u8)
 *   any[extent]  array of whatever dtype, the extent counted in bytes
 * After the bracket: nothing = read only, `=` = written without being read, `~` = read and written;
 * then `?` where the array may be absent (NULL).  The extent is an expression of the integer arguments
 * with + - * and parentheses: the least number of elements that the array must hold.  launch() checks it
 * before every call, so a kernel may trust its sizes, but never the values inside an index array: those it
 * checks itself and returns fn_bad_index(...).  `{...}` at the end is a group that repeats; `count` tells how
 * many arguments came in all.
 *
 *     FN_KERNEL(sgd, "lr:T[1] {w:T[n]~ g:T[n] n:n}")
 */
#ifndef FN_H
#define FN_H
#include <stddef.h>
#include <stdint.h>

typedef union {
  void *p;
  int64_t i;
  double f;
} fn_arg;

typedef int (*fn_kernel)(const fn_arg *a, int64_t count);

enum { FN_OK = 0, FN_NOMEM = 1, FN_BAD_INDEX = 2 };

/* Records which element of an index array was out of range (launch() tells the user); returns FN_BAD_INDEX. */
int fn_bad_index(int64_t position, int64_t value, int64_t limit);

/* ---- Threads --------------------------------------------------------------------------------------------
 * Runs body(ctx, 0) ... body(ctx, chunks - 1), in any order, on the pool; returns when all are done.  The number
 * of chunks must depend on the shapes of the problem alone, never on the number of threads: then sums come out
 * the same, bit for bit, on any machine.  A body must not call fn_parallel.  Under about 10 us of work use one chunk. */
void fn_parallel(int64_t chunks, void (*body)(void *ctx, int64_t chunk), void *ctx);

/* Scratch memory of the calling thread, 64-byte aligned, kept between calls, contents undefined; NULL if there is
 * no memory.  Slot 0 is for the kernel itself (shared by its chunks), slots 1 to 3 for the bodies of chunks. */
void *fn_scratch(int slot, size_t bytes);

/* ---- Registration: data in a linker section, so that nothing runs before the processor has been asked ---- */
enum { FN_REF = 0, FN_NEON = 1, FN_V2 = 2, FN_V3 = 3, FN_V4 = 4 };

typedef struct {
  const char *name;
  const char *signature; /* NULL in a tuned kernel: the reference's holds */
  fn_kernel call;
  int level;  /* FN_REF ... FN_V4 */
  char dtype; /* what T is: 'f' float, 'd' double, 0 no T */
} fn_entry;

#define FN_CAT_(x, y) x##_##y
#define FN_CAT(x, y) FN_CAT_(x, y)
#ifdef __APPLE__
#define FN_SECTION "__DATA,fn_kernels"
#else
#define FN_SECTION "fn_kernels"
#endif

/* Each translation unit defines FN_SUFFIX (ref_f32, v4_f32 ...), FN_LEVEL and FN_DTYPE before it uses these. */
#define FN_NAME(kernel) FN_CAT(kernel, FN_SUFFIX)
#define FN_DEFINE(kernel, sig)                                                                                   \
  static int FN_NAME(kernel_##kernel)(const fn_arg *a, int64_t count);                                           \
  static const fn_entry FN_NAME(entry_##kernel) = {#kernel, sig, FN_NAME(kernel_##kernel), FN_LEVEL, FN_DTYPE};  \
  static const fn_entry *const FN_NAME(link_##kernel) __attribute__((used, section(FN_SECTION))) = &FN_NAME(entry_##kernel); \
  static int FN_NAME(kernel_##kernel)(const fn_arg *a, int64_t count)

#define FN_KERNEL(kernel, sig) FN_DEFINE(kernel, sig) /* a reference kernel: csrc/ref */
#define FN_TUNED(kernel) FN_DEFINE(kernel, NULL)      /* overrides the reference of that name: csrc/simd */

#define FN_MIN(x, y) ((x) < (y) ? (x) : (y))
#define FN_MAX(x, y) ((x) > (y) ? (x) : (y))
#define FN_CEIL(x, y) (((x) + (y) - 1) / (y))

/* The activations that a matrix product or convolution applies in its epilogue.  Each has a derivative that can be
 * written with its result alone, so that the pre-activation is never stored.  ops/activation.py has the same codes. */
enum { FN_LINEAR = 0, FN_RELU = 1, FN_TANH = 2, FN_SIGMOID = 3, FN_RELU6 = 4, FN_ELU = 5, FN_SELU = 6, FN_LEAKY_RELU = 7 };

/* Dtypes as kernels receive them where an array may be of any (copies, gathers, labels); such an array is `any[...]`. */
enum { FN_BOOL, FN_I8, FN_U8, FN_I16, FN_U16, FN_I32, FN_U32, FN_I64, FN_U64, FN_F32, FN_F64, FN_TYPES };

#endif
