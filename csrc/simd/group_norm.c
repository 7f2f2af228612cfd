/* Tuned float kernels: normalisation of each sample of x (samples, size, c) over groups of its channels.  A sample is a matrix
 * whose columns are walked down as for batch normalisation; what a group's columns found is joined in double. */
#include "norm_strip.h"
#include "../chunks.h"

typedef struct {
  const float *x, *dy, *gamma, *beta, *dmean, *drstd;
  float *to, *mean, *rstd;
  double *by_gamma, *by_beta; /* of each sample: c sums of dy xhat and of dy */
  int64_t samples, size, c, groups, width, samples_of_chunk;
  double epsilon;
  int stream, failed; /* failed: there was no memory */
} group_norm;

/* A sample as a matrix, and memory for what its columns need: two doubles and five floats each. */
static int group_sample(group_norm *p, int64_t sample, norm *q) {
  double *memory = fn_scratch(1, (size_t)p->c * 36);
  if (!memory) {
    __atomic_store_n(&p->failed, 1, __ATOMIC_RELAXED);
    return 0;
  }
  int64_t c = p->c, at = sample * p->size * c;
  float *more = (float *)(memory + 2 * c);
  *q = (norm){.x = p->x + at, .dy = p->dy ? p->dy + at : NULL, .to = p->to + at, .rows = p->size, .c = c, .first = memory,
              .second = memory + c, .mean = more, .scale = more + c, .beta = more + 2 * c, .slope = more + 3 * c,
              .shift = more + 4 * c, .stream = p->stream};
  return 1;
}

/* Runs chunk over all samples: some to a chunk, if they are small. */
static void group_run(group_norm *p, void (*chunk)(void *, int64_t)) {
  p->samples_of_chunk = FN_MAX(1, FN_CHUNK / (p->size * p->c));
  p->stream = worth_streaming(p->to, p->samples * p->size * p->c, p->c);
  fn_parallel(FN_CEIL(p->samples, p->samples_of_chunk), chunk, p);
  vfence(p->stream);
}

/* Runs a strip over all columns, for a few rows at a time, which then lie in a cache for the next strip. */
#define GROUP_ROWS(strip, q)                                                        \
  for (int64_t from_ = 0; from_ < (q)->rows; from_ += NORM_LEAD)                    \
    NORM_STRIPS(strip, q, from_, FN_MIN(from_ + NORM_LEAD, (q)->rows))

static void group_norm_sample(group_norm *p, int64_t sample) {
  norm q;
  if (!group_sample(p, sample, &q)) return;
  float *mean = (float *)q.mean, *scale = (float *)q.scale, *beta = (float *)q.beta;
#define STRIP(q, from, to, j, V, lanes) norm_strip(q, from, to, j, V, lanes, 0)
  NORM_STRIPS(STRIP, &q, 0, q.rows);
#undef STRIP
  for (int64_t g = 0; g < p->groups; g++) {
    int64_t first = g * p->width, last = first + p->width;
    double middle = 0, squares = 0;
    for (int64_t j = first; j < last; j++) middle += q.first[j];
    middle /= (double)p->width;
    for (int64_t j = first; j < last; j++) {
      double apart = q.first[j] - middle;
      squares += q.second[j] + apart * apart * (double)q.rows;
    }
    squares = squares < 0 ? 0 : squares; /* NaN stays */
    float rstd = (float)(1 / __builtin_sqrt(squares / (double)(q.rows * p->width) + p->epsilon));
    p->mean[sample * p->groups + g] = (float)middle, p->rstd[sample * p->groups + g] = rstd;
    for (int64_t j = first; j < last; j++) {
      mean[j] = (float)middle, scale[j] = rstd * (p->gamma ? p->gamma[j] : 1.0f);
      beta[j] = p->beta ? p->beta[j] : 0;
    }
  }
#define STRIP(q, from, to, j, V, lanes) norm_apply_strip(q, from, to, j, V, lanes, 0)
  GROUP_ROWS(STRIP, &q);
#undef STRIP
}

static void group_norm_chunk(void *ctx, int64_t chunk) {
  group_norm *p = ctx;
  int64_t from = chunk * p->samples_of_chunk, to = FN_MIN(from + p->samples_of_chunk, p->samples);
  for (int64_t i = from; i < to; i++) group_norm_sample(p, i);
}

FN_TUNED(group_norm) {
  group_norm p = {.x = a[0].p, .gamma = a[1].p, .beta = a[2].p, .to = a[3].p, .mean = a[4].p, .rstd = a[5].p, .samples = a[6].i, .size = a[7].i,
                  .c = a[8].i, .groups = a[9].i, .width = a[8].i / a[9].i, .epsilon = a[10].f};
  if (!p.size || !p.width) {
    for (int64_t i = 0; i < p.samples * p.groups; i++) p.mean[i] = 0, p.rstd[i] = (float)(1 / __builtin_sqrt(p.epsilon));
    return FN_OK;
  }
  group_run(&p, group_norm_chunk);
  return p.failed ? FN_NOMEM : FN_OK;
}

static void group_norm_grad_sample(group_norm *p, int64_t sample) {
  norm q;
  if (!group_sample(p, sample, &q)) return;
  float *mean = (float *)q.mean, *scale = (float *)q.scale, *beta = (float *)q.beta, *slope = (float *)q.slope, *shift = (float *)q.shift;
  for (int64_t j = 0; j < p->groups * p->width; j++) {
    int64_t i = sample * p->groups + j / p->width;
    mean[j] = p->mean[i], scale[j] = p->rstd[i] * (p->gamma ? p->gamma[j] : 1.0f), beta[j] = 0;
  }
#define STRIP(q, from, to, j, V, lanes) norm_grad_strip(q, from, to, j, V, lanes, 0, 0)
  NORM_STRIPS(STRIP, &q, 0, q.rows);
#undef STRIP
  double n = (double)(q.rows * p->width);
  for (int64_t g = 0; g < p->groups; g++) {
    int64_t first = g * p->width, last = first + p->width, i = sample * p->groups + g;
    double sum = 0, product = 0, r = p->rstd[i];
    for (int64_t j = first; j < last; j++) {
      double gamma = p->gamma ? p->gamma[j] : 1;
      p->by_beta[sample * p->c + j] = q.first[j], p->by_gamma[sample * p->c + j] = q.second[j] * r;
      sum += gamma * q.first[j], product += gamma * q.second[j];
    }
    for (int64_t j = first; j < last; j++) {
      slope[j] = (float)(-(r * r * product + (p->drstd ? p->drstd[i] * r * r : 0)) * r / n);
      shift[j] = (float)(((p->dmean ? p->dmean[i] : 0) - r * sum) / n);
    }
  }
#define STRIP(q, from, to, j, V, lanes) norm_dx_strip(q, from, to, j, V, lanes, 0)
  GROUP_ROWS(STRIP, &q);
#undef STRIP
}

static void group_norm_grad_chunk(void *ctx, int64_t chunk) {
  group_norm *p = ctx;
  int64_t from = chunk * p->samples_of_chunk, to = FN_MIN(from + p->samples_of_chunk, p->samples);
  for (int64_t i = from; i < to; i++) group_norm_grad_sample(p, i);
}

FN_TUNED(group_norm_grad) {
  float *dgamma = a[8].p, *dbeta = a[9].p;
  int64_t samples = a[10].i, c = a[12].i;
  group_norm p = {.dy = a[0].p, .x = a[1].p, .gamma = a[2].p, .mean = a[3].p, .rstd = a[4].p, .dmean = a[5].p, .drstd = a[6].p,
                  .to = a[7].p, .samples = samples, .size = a[11].i, .c = c, .groups = a[13].i, .width = c / a[13].i};
  int64_t held = FN_MAX(samples, 1) * FN_MAX(c, 1);
  if (!(p.by_gamma = fn_scratch(0, (size_t)held * 16))) return FN_NOMEM;
  p.by_beta = p.by_gamma + held;
  memset(p.by_gamma, 0, (size_t)held * 16);
  if (p.size && p.width) group_run(&p, group_norm_grad_chunk);
  for (int64_t j = 0; j < c; j++) {
    double gamma = 0, beta = 0;
    for (int64_t k = 0; k < samples; k++) gamma += p.by_gamma[k * c + j], beta += p.by_beta[k * c + j];
    dgamma[j] = (float)gamma, dbeta[j] = (float)beta;
  }
  return p.failed ? FN_NOMEM : FN_OK;
}
