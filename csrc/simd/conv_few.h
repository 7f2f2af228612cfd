/* Convolution backward to images of few channels, which fill no vectors: a product gives, for each pixel of dy, what it
 * adds to all inputs of its window, (KH, KW, C) side by side; rows of the kernel are then added onto rows of the image. */

enum { FEW_PIXELS = 16 * TILE_ROWS }; /* of dy at a time: their windows stay in the first-level cache */

/* Where windows fill vectors better than channels do, and their rows are runs of the image. */
static int has_few_channels(const conv_backward_data *j) {
  const fn_conv *s = &j->s;
  int64_t K = s->KH * s->KW * s->C;
  double window = (double)FN_MIN(j->chunk_rows, s->H) * window_width(s) * s->C;
  return s->G == 1 && s->DW == 1 && K <= 512 && 2 * padded(K) <= s->KH * s->KW * padded(s->C) && window < (1 << 20);
}

static void pack_windows(const fn_conv *s, const float *w, float *packed) {
  int64_t K = s->KH * s->KW * s->C;
  for (int64_t p = 0; p * PANEL < K; p++)
    pack_transposed(w + p * PANEL * s->F, s->F, FN_MIN(PANEL, K - p * PANEL), s->F, panel_vectors(K, p), packed + p * PANEL * s->F);
}

/* Pixels [first, first + count) of a row of dy: their windows (count, padded(K)). */
static void few_windows(const conv_backward_data *j, const float *dy, int64_t count, float *windows) {
  static const float zeros[PANEL];
  int64_t F = j->s.F, K = j->s.KH * j->s.KW * j->s.C;
  for (int64_t p = 0; p * PANEL < K; p++) {
    conv_tile t = {.x = dy, .w = j->w + p * PANEL * F, .init = zeros, .y = windows + p * PANEL, .x_step = F, .y_step = padded(K),
                   .outer = 1, .inner = 1, .len = F, .lanes = VL};
    conv_tiles_over(&t, count, panel_vectors(K, p));
  }
}

/* Adds row kh of `count` windows to a row of the image.  Sums of columns go to a line of their own first, vector over vector:
 * a load from where a store has just been waits for it. */
static void few_add(const fn_conv *s, const float *windows, int64_t count, float *line, float *row) {
  int64_t C = s->C, step = padded(s->KH * s->KW * C), back = s->SW * C - step, size = ((count - 1) * s->SW + s->KW) * C;
  float *to = line;
  /* windows [first, last] hold this column: the last one with tap kw, each before it with a tap SW further */
  for (int64_t first = 0, last = 0, kw = 0; first < count; to += C) {
    const float *from = windows + last * step + kw * C;
    vf sum = {0};
    for (int64_t i = last; i >= first; i--, from += back) sum += vload(from);
    vstore(to, sum);
    if (++kw == s->SW && last + 1 < count) kw = 0, last++;
    while (first <= last && kw + (last - first) * s->SW >= s->KW) first++;
  }
  for (int64_t i = 0; i < size; i++) row[i] += line[i];
}

/* Rows [from, to) of one image, by way of an image that holds whatever the windows reach. */
static void data_few_rows(conv_backward_data *j, int64_t n, int64_t from, int64_t to) {
  const fn_conv *s = &j->s;
  int64_t C = s->C, K = s->KH * s->KW * C, run = s->KW * C, line = window_width(s) * C;
  float *windows = fn_scratch(1, (size_t)(FEW_PIXELS * padded(K) + VL + line + VL) * 4), *sums = windows + FEW_PIXELS * padded(K) + VL;
  float *image = fn_scratch(2, (size_t)((to - from) * line) * 4);
  if (!windows || !image) {
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  memset(image, 0, (size_t)((to - from) * line) * 4);
  int64_t first = FN_MAX(fn_ceil_div(from + s->PT - (s->KH - 1) * s->DH, s->SH), 0), last = FN_MIN(fn_ceil_div(to + s->PT, s->SH), s->OH);
  for (int64_t oh = first; oh < last; oh++)
    for (int64_t ow = 0; ow < s->OW; ow += FEW_PIXELS) {
      int64_t count = FN_MIN(FEW_PIXELS, s->OW - ow);
      few_windows(j, j->dy + ((n * s->OH + oh) * s->OW + ow) * s->F, count, windows);
      for (int64_t kh = 0; kh < s->KH; kh++) {
        int64_t row = oh * s->SH - s->PT + kh * s->DH - from;
        if (row >= 0 && row < to - from) few_add(s, windows + kh * run, count, sums, image + row * line + ow * s->SW * C);
      }
    }
  int64_t lo = FN_MIN(FN_MAX(-s->PL, 0), s->W), hi = FN_MAX(FN_MIN(window_width(s) - s->PL, s->W), lo);
  for (int64_t r = 0; r < to - from; r++) {
    float *dx = j->dx + (n * s->H + from + r) * s->W * C;
    memset(dx, 0, (size_t)(lo * C) * 4);
    if (lo < hi) memcpy(dx + lo * C, image + r * line + (lo + s->PL) * C, (size_t)((hi - lo) * C) * 4);
    memset(dx + hi * C, 0, (size_t)((s->W - hi) * C) * 4);
  }
}
