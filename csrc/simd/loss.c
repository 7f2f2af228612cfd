/* Tuned float kernels: softmax over the last axis, cross-entropies, losses element by element. */
#include "level.h"
#include "../chunks.h"
#include "../loss.h"

/* ---- Rows of any length: whole vectors, then the lanes that are left ---- */

/* The largest element; one that is NaN does not count. */
FN_INLINE vf row_max(const float *x, int64_t n) {
  vf highest = vset1(-INFINITY);
  int64_t j = 0;
  for (; j + VL <= n; j += VL) highest = vlarger(vload(x + j), highest);
  if (j < n) highest = vlarger(vload_or(x + j, n - j, -INFINITY), highest);
  return vall_larger(highest);
}

/* ---- Softmax.  A NaN needs no care in the maximum: its exponential makes the sum NaN ---- */

FN_INLINE void softmax_row(const float *x, float *y, int64_t n) {
  const vf highest = row_max(x, n);
  vf sum = {0}, last = {0};
  int64_t j = 0;
  for (; j + VL <= n; j += VL) {
    const vf e = vexp(vload(x + j) - highest);
    vstore(y + j, e);
    sum += e;
  }
  if (j < n) {
    last = vexp(vload_or(x + j, n - j, -INFINITY) - highest);
    sum += last;
  }
  const vf scale = 1 / vall_sum(sum);
  if (j < n) vstore_n(y + j, last * scale, n - j);
  for (int64_t i = 0; i < j; i += VL) vstore(y + i, vload(y + i) * scale);
}

/* Rows of at most `vectors` vectors stay in registers. */
FN_INLINE void softmax_short_rows(const float *x, float *y, int64_t n, int64_t rows, int vectors) {
  const int64_t tail = n - (vectors - 1) * VL;
  for (int64_t r = 0; r < rows; r++, x += n, y += n) {
    vf v[4], highest, sum;
    for (int i = 0; i < vectors; i++) v[i] = i == vectors - 1 ? vload_or(x + i * VL, tail, -INFINITY) : vload(x + i * VL);
    highest = v[0];
    for (int i = 1; i < vectors; i++) highest = vlarger(v[i], highest);
    highest = vall_larger(highest);
    for (int i = 0; i < vectors; i++) v[i] = vexp(v[i] - highest);
    sum = v[0];
    for (int i = 1; i < vectors; i++) sum += v[i];
    const vf scale = 1 / vall_sum(sum);
    for (int i = 0; i < vectors - 1; i++) vstore(y + i * VL, v[i] * scale);
    vstore_n(y + (vectors - 1) * VL, v[vectors - 1] * scale, tail);
  }
}

/* Over an axis that is not the last: VL neighbouring rows side by side. */
FN_INLINE void softmax_columns(const float *x, float *y, int64_t n, int64_t inner, int64_t lanes) {
  vf highest = load_lanes(x, lanes), sum = {0};
  for (int64_t j = 1; j < n; j++) highest = vlarger(load_lanes(x + j * inner, lanes), highest);
  for (int64_t j = 0; j < n; j++) {
    const vf e = vexp(load_lanes(x + j * inner, lanes) - highest);
    store_lanes(y + j * inner, e, lanes);
    sum += e;
  }
  for (int64_t j = 0; j < n; j++) store_lanes(y + j * inner, load_lanes(y + j * inner, lanes) / sum, lanes);
}

static void softmax_rows(const fn_arg *a, int64_t unused, int64_t from, int64_t to) {
  const int64_t n = a[3].i, inner = a[4].i;
  const float *x = a[0].p;
  float *y = a[1].p;
  (void)unused;
  if (inner == 1) {
    x += from * n, y += from * n;
    switch (FN_CEIL(n, VL)) {
      case 1: softmax_short_rows(x, y, n, to - from, 1); return;
      case 2: softmax_short_rows(x, y, n, to - from, 2); return;
      case 3: softmax_short_rows(x, y, n, to - from, 3); return;
      case 4: softmax_short_rows(x, y, n, to - from, 4); return;
      default: for (int64_t r = 0; r < to - from; r++) softmax_row(x + r * n, y + r * n, n);
    }
    return;
  }
  for (int64_t r = from; r < to;) { /* never across the end of an outer slab */
    const int64_t lanes = FN_MIN(VL, FN_MIN(to - r, inner - r % inner)), start = r / inner * n * inner + r % inner;
    softmax_columns(x + start, y + start, n, inner, lanes);
    r += lanes;
  }
}
FN_TUNED(softmax) {
  if (a[3].i && a[4].i) fn_over_rows(a, 0, a[2].i * a[4].i, a[3].i, softmax_rows);
  return FN_OK;
}

/* ---- Cross-entropy: see csrc/ref/loss.inc.  With p = softmax(x) the largest p belongs to the largest x ---- */

FN_INLINE vf load_smooth(const float *t, int64_t n, vf keep, vf add) {
  return n == VL ? vload(t) * keep + add : vselect(vfirst(n), vload_n(t, n) * keep + add, (vf){0});
}

FN_INLINE float dense_logits_row(const float *t, const float *p, const float *x, int64_t n, vf keep, vf add) {
  const vf high_x = row_max(x, n), zero = {0};
  const vf log_pk = vlog(row_max(p, n));
  vf loss = zero;
  for (int64_t j = 0; j < n; j += VL) {
    const int64_t lanes = FN_MIN(VL, n - j);
    const vf tj = load_smooth(t + j, lanes, keep, add), xj = lanes == VL ? vload(x + j) : vload_n(x + j, lanes);
    loss -= vselect(tj == zero, zero, tj * (xj - high_x + log_pk));
  }
  return vall_sum(loss)[0];
}

FN_INLINE vf dense_sum(const float *p, int64_t n) {
  vf sum = {0};
  int64_t j = 0;
  for (; j + VL <= n; j += VL) sum += vload(p + j);
  if (j < n) sum += vload_n(p + j, n - j);
  return vall_sum(sum);
}

FN_INLINE float dense_row(const float *t, const float *p, int64_t n, vf keep, vf add, float eps) {
  const vf sum = dense_sum(p, n);
  vf loss = {0};
  for (int64_t j = 0; j < n; j += VL) {
    const int64_t lanes = FN_MIN(VL, n - j);
    const vf q = vclip(load_lanes(p + j, lanes) / sum, eps, 1 - eps);
    loss -= load_smooth(t + j, lanes, keep, add) * vlog(q);
  }
  return vall_sum(loss)[0];
}

static void crossentropy_rows(const fn_arg *a, int64_t unused, int64_t from, int64_t to) {
  const int64_t n = a[5].i;
  const vf keep = vset1((float)(1 - a[6].f)), add = vset1((float)(a[6].f / n));
  float *loss = a[3].p;
  (void)unused;
  for (int64_t r = from; r < to; r++) {
    const float *t = (const float *)a[0].p + r * n, *p = (const float *)a[1].p + r * n;
    loss[r] = a[2].p ? dense_logits_row(t, p, (const float *)a[2].p + r * n, n, keep, add)
                     : dense_row(t, p, n, keep, add, (float)a[7].f);
  }
}
FN_TUNED(crossentropy) {
  if (a[5].i) fn_over_rows(a, 0, a[4].i, 2 * a[5].i, crossentropy_rows);
  else memset(a[3].p, 0, (size_t)a[4].i * sizeof(float));
  return FN_OK;
}

static void crossentropy_grad_rows(const fn_arg *a, int64_t logits, int64_t from, int64_t to) {
  const int64_t n = a[5].i;
  const vf keep = vset1((float)(1 - a[7].f)), add = vset1((float)(a[7].f / n)), zero = {0};
  const vf low = vset1((float)a[8].f), high = vset1(1 - (float)a[8].f);
  for (int64_t r = from; r < to; r++) {
    const float *t = (const float *)a[1].p + r * n, *p = (const float *)a[2].p + r * n;
    float *d = (float *)a[3].p + r * n;
    const vf dloss = vset1(((const float *)a[0].p)[r]), sum = logits ? vset1(1) : dense_sum(p, n);
    vf total = zero;
    for (int64_t j = 0; j < n; j += VL) { /* sum of the targets (whose predictions are not clipped) */
      const int64_t lanes = FN_MIN(VL, n - j);
      const vf q = load_lanes(p + j, lanes) / sum, tj = load_smooth(t + j, lanes, keep, add);
      total += logits ? tj : vselect((q < low) | (q > high), zero, tj);
    }
    total = vall_sum(total) / sum;
    for (int64_t j = 0; j < n; j += VL) {
      const int64_t lanes = FN_MIN(VL, n - j);
      const vf pj = load_lanes(p + j, lanes), q = pj / sum, tj = load_smooth(t + j, lanes, keep, add);
      const vf outside = (vf)((q < low) | (q > high) | (tj == zero));
      store_lanes(d + j, dloss * (logits ? pj * total - tj : total - vselect((vi)outside, zero, tj / pj)), lanes);
    }
  }
}
FN_TUNED(crossentropy_grad) {
  if (a[5].i) fn_over_rows(a, a[6].i, a[4].i, a[5].i, crossentropy_grad_rows);
  return FN_OK;
}

static void sparse_rows(const fn_arg *a, int64_t unused, int64_t from, int64_t to) {
  const int64_t n = a[5].i;
  const float eps = (float)a[10].f;
  float *loss = a[3].p;
  (void)unused;
  for (int64_t r = from; r < to; r += VL) {
    const int64_t rows = FN_MIN(VL, to - r);
    float probability[VL] = {0}, above[VL] = {0}; /* loss = above - log(probability), VL rows at once */
    for (int64_t i = 0; i < rows; i++) {
      const float *p = (const float *)a[1].p + (r + i) * n, *x = a[2].p ? (const float *)a[2].p + (r + i) * n : NULL;
      const int64_t label = fn_label(a[0].p, a[7].i, r + i);
      if (fn_is_ignored(label, a[8].i, a[9].i)) {
        probability[i] = 1;
      } else if (x) {
        probability[i] = row_max(p, n)[0];
        above[i] = row_max(x, n)[0] - x[label];
      } else {
        const float q = p[label] / dense_sum(p, n)[0];
        probability[i] = q < eps ? eps : q > 1 - eps ? 1 - eps : q;
      }
    }
    store_lanes(loss + r, vload(above) - vlog(vload(probability)), rows);
  }
}
FN_TUNED(sparse_crossentropy) {
  if (fn_dtype_size(a[7].i) > a[6].i) return FN_OK;
  int status = fn_check_labels(a[0].p, a[7].i, a[4].i, a[5].i, a[8].i, a[9].i);
  if (status == FN_OK) fn_over_rows(a, 0, a[4].i, a[5].i, sparse_rows);
  return status;
}

static void sparse_grad_rows(const fn_arg *a, int64_t logits, int64_t from, int64_t to) {
  const int64_t n = a[5].i;
  const float eps = (float)a[11].f;
  for (int64_t r = from; r < to; r++) {
    const float *p = (const float *)a[2].p + r * n, dloss = ((const float *)a[0].p)[r];
    const int64_t label = fn_label(a[1].p, a[8].i, r);
    float *d = (float *)a[3].p + r * n;
    int64_t j = 0;
    if (fn_is_ignored(label, a[9].i, a[10].i)) {
      memset(d, 0, (size_t)n * sizeof(float));
      continue;
    }
    if (!logits) { /* through the division by the sum and the clipping */
      const float sum = dense_sum(p, n)[0], q = p[label] / sum;
      const int inside = !(q < eps || q > 1 - eps);
      for (; j < n; j++) d[j] = inside ? dloss / sum : 0;
      if (inside) d[label] -= dloss / p[label];
      continue;
    }
    for (; j + VL <= n; j += VL) vstore(d + j, vload(p + j) * dloss);
    if (j < n) vstore_n(d + j, vload_n(p + j, n - j) * dloss, n - j);
    d[label] -= dloss;
  }
}
FN_TUNED(sparse_crossentropy_grad) {
  if (fn_dtype_size(a[8].i) > a[6].i) return FN_OK;
  int status = fn_check_labels(a[1].p, a[8].i, a[4].i, a[5].i, a[9].i, a[10].i);
  if (status == FN_OK) fn_over_rows(a, a[7].i, a[4].i, a[5].i, sparse_grad_rows);
  return status;
}

/* ---- Losses element by element; formulas as in csrc/ref/loss.inc ---- */

FN_INLINE vf vat_least(vf x, vf low) { return vlarger(low, x); }

FN_INLINE vf loss_at(int kind, vf t, vf p, vf c, vf eps) {
  const vf e = p - t, size = vabs(e), zero = {0}, margin = vat_least(1 - t * p, zero), one = vset1(1);
  switch (kind) {
    case FN_SQUARED: return e * e;
    case FN_ABSOLUTE: return size;
    case FN_PERCENTAGE: return 100 * size / vat_least(vabs(t), eps);
    case FN_LOGARITHMIC: {
      const vf d = vlog(vat_least(p, eps) + 1) - vlog(vat_least(t, eps) + 1);
      return d * d;
    }
    case FN_HUBER: return vselect(size <= c, 0.5f * e * e, c * size - 0.5f * c * c);
    case FN_LOG_COSH: return size + vlog(1 + vexp(-2 * size)) - 0.6931471805599453f;
    case FN_HINGE: return margin;
    case FN_SQUARED_HINGE: return margin * margin;
    case FN_POISSON: return p - t * vlog(p + eps);
    case FN_KL_DIVERGENCE: {
      const vf low_t = vat_least(t, eps), low_p = vat_least(p, eps);
      const vf of_t = vselect(low_t > one, one, low_t), of_p = vselect(low_p > one, one, low_p);
      return of_t * vlog(of_t / of_p);
    }
    case FN_BINARY: {
      const vf smooth = t * (1 - c) + 0.5f * c, q = vat_least(vselect(p > 1 - eps, 1 - eps, p), eps);
      return -(smooth * vlog(q) + (1 - smooth) * vlog(1 - q));
    }
    default: /* FN_BINARY_LOGITS */
      return vat_least(p, zero) - p * (t * (1 - c) + 0.5f * c) + vlog(1 + vexp(-vabs(p)));
  }
}

FN_INLINE vf slope_at(int kind, vf t, vf p, vf c, vf eps) {
  const vf e = p - t, zero = {0}, one = vset1(1), margin = 1 - t * p;
  const vf sign = vselect(e > zero, one, vselect(e < zero, -one, e));
  switch (kind) {
    case FN_SQUARED: return 2 * e;
    case FN_ABSOLUTE: return sign;
    case FN_PERCENTAGE: return 100 * sign / vat_least(vabs(t), eps);
    case FN_LOGARITHMIC: return vselect(p < eps, zero, 2 * (vlog(p + 1) - vlog(vat_least(t, eps) + 1)) / (p + 1));
    case FN_HUBER: return vselect(vabs(e) <= c, e, c * sign);
    case FN_LOG_COSH: return vtanh(e);
    case FN_HINGE: return vselect(margin > zero, -t, vselect(margin == margin, zero, margin));
    case FN_SQUARED_HINGE: return -2 * t * vat_least(margin, zero);
    case FN_POISSON: return 1 - t / (p + eps);
    case FN_KL_DIVERGENCE: {
      const vf low_t = vat_least(t, eps);
      return vselect((p < eps) | (p > one), zero, -vselect(low_t > one, one, low_t) / p);
    }
    case FN_BINARY: return vselect((p < eps) | (p > 1 - eps), zero, (p - t * (1 - c) - 0.5f * c) / (p * (1 - p)));
    default: return vsigmoid(p) - t * (1 - c) - 0.5f * c; /* FN_BINARY_LOGITS */
  }
}

typedef struct {
  const float *dloss, *t, *p;
  float *y; /* losses of rows, or the gradient */
  int64_t n;
  float c, eps, share; /* share: what an element adds to its row's loss */
  int signs;
} loss_job;

FN_INLINE vf load_targets(const loss_job *job, int64_t i, int64_t lanes) {
  const vf t = load_lanes(job->t + i, lanes);
  return job->signs ? 2 * t - 1 : t;
}

FN_INLINE void losses_of(int kind, const loss_job *job, int64_t from, int64_t to) {
  const vf c = vset1(job->c), eps = vset1(job->eps), zero = {0};
  const int64_t n = job->n;
  if (n == 1) {
    for (int64_t r = from; r < to; r += VL) {
      const int64_t lanes = FN_MIN(VL, to - r);
      store_lanes(job->y + r, loss_at(kind, load_targets(job, r, lanes), load_lanes(job->p + r, lanes), c, eps), lanes);
    }
    return;
  }
  for (int64_t r = from; r < to; r++) {
    vf sum = zero;
    int64_t i = r * n, end = i + n;
    for (; i + VL <= end; i += VL) sum += loss_at(kind, load_targets(job, i, VL), vload(job->p + i), c, eps);
    if (i < end) {
      const vf last = loss_at(kind, load_targets(job, i, end - i), vload_n(job->p + i, end - i), c, eps);
      sum += vselect(vfirst(end - i), last, zero);
    }
    job->y[r] = vall_sum(sum)[0] * job->share;
  }
}

FN_INLINE void slopes_of(int kind, const loss_job *job, int64_t from, int64_t to) {
  const vf c = vset1(job->c), eps = vset1(job->eps);
  const int64_t n = job->n;
  for (int64_t r = from; r < to; r += n == 1 ? VL : 1) {
    const int64_t end = n == 1 ? FN_MIN(r + VL, to) : r * n + n;
    const vf d = n == 1 ? load_lanes(job->dloss + r, end - r) : vset1(job->dloss[r] * job->share);
    for (int64_t i = r * n; i < end; i += VL) {
      const int64_t lanes = FN_MIN(VL, end - i);
      store_lanes(job->y + i, d * slope_at(kind, load_targets(job, i, lanes), load_lanes(job->p + i, lanes), c, eps), lanes);
    }
  }
}

#define EACH_KIND(DO)                                                                                                  \
  DO(FN_SQUARED) DO(FN_ABSOLUTE) DO(FN_PERCENTAGE) DO(FN_LOGARITHMIC) DO(FN_HUBER) DO(FN_LOG_COSH) DO(FN_HINGE)         \
  DO(FN_SQUARED_HINGE) DO(FN_POISSON) DO(FN_KL_DIVERGENCE) DO(FN_BINARY) DO(FN_BINARY_LOGITS)

static void loss_rows(const fn_arg *a, int64_t signs, int64_t from, int64_t to) {
  const loss_job job = {NULL, a[0].p, a[1].p, a[2].p, a[4].i, (float)a[6].f, (float)a[7].f,
                        a[5].i == FN_KL_DIVERGENCE ? 1 : 1.0f / a[4].i, (int)signs};
#define LOSSES(kind) case kind: losses_of(kind, &job, from, to); return;
  switch (a[5].i) { EACH_KIND(LOSSES) }
#undef LOSSES
}

static void loss_grad_rows(const fn_arg *a, int64_t signs, int64_t from, int64_t to) {
  const loss_job job = {a[0].p, a[1].p, a[2].p, a[3].p, a[5].i, (float)a[7].f, (float)a[8].f,
                        a[6].i == FN_KL_DIVERGENCE ? 1 : 1.0f / a[5].i, (int)signs};
#define SLOPES(kind) case kind: slopes_of(kind, &job, from, to); return;
  switch (a[6].i) { EACH_KIND(SLOPES) }
#undef SLOPES
}

static int64_t zeros_and_ones(int64_t kind, const float *t, int64_t n) {
  if (kind != FN_HINGE && kind != FN_SQUARED_HINGE) return 0;
  for (int64_t i = 0; i < n; i++)
    if (t[i] != 0 && t[i] != 1) return 0;
  return 1;
}

FN_TUNED(row_loss) {
  fn_over_rows(a, zeros_and_ones(a[5].i, a[0].p, a[3].i * a[4].i), a[3].i, 2 * a[4].i, loss_rows);
  return FN_OK;
}
FN_TUNED(row_loss_grad) {
  fn_over_rows(a, zeros_and_ones(a[6].i, a[1].p, a[4].i * a[5].i), a[4].i, 2 * a[5].i, loss_grad_rows);
  return FN_OK;
}
#undef EACH_KIND

/* ---- Accuracy: whether no prediction is higher than the label's, nor an earlier one as high ---- */

FN_INLINE int64_t first_of_highest(const float *x, int64_t n) {
  const float highest = row_max(x, n)[0];
  int64_t k = 0;
  if (x[0] != x[0]) return 0;
  while (k < n && x[k] != highest) k++;
  return k < n ? k : 0;
}

static void match_rows(const fn_arg *a, int64_t dense, int64_t from, int64_t to) {
  const int64_t n = a[4].i, dtype = a[6].i, k = a[8].i;
  for (int64_t r = from; r < to; r++) {
    const float *p = (const float *)a[1].p + r * n;
    const int64_t label = dense ? first_of_highest((const float *)a[0].p + r * n, n) : fn_label(a[0].p, dtype, r);
    int64_t higher = 0;
    if (label < 0 || label >= n) higher = INT64_MAX;
    else if (!k) higher = first_of_highest(p, n) != label;
    else if (p[label] != p[label]) higher = n;
    else
      for (int64_t j = 0; j < n; j++) higher += p[j] > p[label];
    ((float *)a[2].p)[r] = higher < (k ? k : 1);
  }
}

/* Dense targets of other types than float are rare: counted element by element. */
static void match_dense_rows(const fn_arg *a, int64_t unused, int64_t from, int64_t to) {
  const int64_t n = a[4].i, dtype = a[6].i;
  (void)unused;
  for (int64_t r = from; r < to; r++) {
    const float *p = (const float *)a[1].p + r * n;
    int64_t label = 0, higher = 0;
    for (int64_t j = 1; j < n; j++)
      if (fn_value(a[0].p, dtype, r * n + j) > fn_value(a[0].p, dtype, r * n + label)) label = j;
    if (!a[8].i) higher = first_of_highest(p, n) != label;
    else if (p[label] != p[label]) higher = n;
    else
      for (int64_t j = 0; j < n; j++) higher += p[j] > p[label];
    ((float *)a[2].p)[r] = higher < (a[8].i ? a[8].i : 1);
  }
}
FN_TUNED(match_class) {
  if (fn_dtype_size(a[6].i) > a[5].i || a[7].i > 1) return FN_OK;
  if (!a[4].i) memset(a[2].p, 0, (size_t)a[3].i * sizeof(float));
  else fn_over_rows(a, a[7].i, a[3].i, a[4].i, a[7].i && a[6].i != FN_F32 ? match_dense_rows : match_rows);
  return FN_OK;
}
#undef TURN
