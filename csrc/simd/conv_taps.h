/* Which taps of a kernel side meet a position, in both directions: of an output the inputs that it sees, of an input the
 * outputs that see it. */

/* The taps k, k + k_step ... (`count` of them); the other side's position is o for the first, o_step less for each next. */
typedef struct {
  int64_t k, k_step, o, o_step, count;
} conv_taps;

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : a; }

/* Of input i: output o and tap k meet at i = o*stride - pad + k*dilation. */
static conv_taps taps_at(int64_t i, int64_t pad, int64_t stride, int64_t dilation, int64_t taps, int64_t outputs) {
  int64_t d = gcd(stride, dilation), at = i + pad;
  conv_taps t = {.k_step = stride / d, .o_step = dilation / d};
  while (t.k < FN_MIN(t.k_step, taps) && (at - t.k * dilation) % stride) t.k++;
  if (t.k >= FN_MIN(t.k_step, taps)) return t;
  t.o = (at - t.k * dilation) / stride; /* exact */
  int64_t all = FN_CEIL(taps - t.k, t.k_step);
  int64_t lo = FN_MAX(fn_ceil_div(t.o - (outputs - 1), t.o_step), 0);
  int64_t hi = FN_MIN(t.o < 0 ? 0 : t.o / t.o_step + 1, all);
  t.count = FN_MAX(hi - lo, 0);
  t.k += lo * t.k_step, t.o -= lo * t.o_step;
  return t;
}

/* Of output o: inputs rise with the taps. */
static conv_taps taps_of_output(int64_t o, int64_t pad, int64_t stride, int64_t dilation, int64_t taps, int64_t inputs) {
  int64_t lo, hi;
  fn_conv_range(o * stride - pad, dilation, inputs, taps, &lo, &hi);
  return (conv_taps){.k = lo, .k_step = 1, .o = o * stride - pad + lo * dilation, .o_step = -dilation, .count = hi - lo};
}

/* Neighbouring positions (`step` apart) that meet the same taps, each `advance` further on the other side. */
typedef struct {
  int64_t at, count;
  conv_taps taps; /* of the first */
} conv_run;

/* The runs of one side of the images: of outputs (forward) or of inputs.  `runs` has room for every position. */
static int64_t find_runs(const fn_conv *s, int forward, conv_run *runs) {
  int64_t count = 0, size = forward ? s->OW : s->W, step = forward ? 1 : FN_MIN(s->SW, FN_MAX(size, 1)), advance = forward ? s->SW : 1;
  for (int64_t phase = 0; phase < step; phase++)
    for (int64_t at = phase, fresh = 1; at < size; at += step, fresh = 0) {
      conv_taps t = forward ? taps_of_output(at, s->PL, s->SW, s->DW, s->KW, s->W) : taps_at(at, s->PL, s->SW, s->DW, s->KW, s->OW);
      conv_run *r = fresh ? NULL : &runs[count - 1];
      if (r && r->taps.k == t.k && r->taps.count == t.count && (!t.count || r->taps.o + r->count * advance == t.o)) r->count++;
      else runs[count++] = (conv_run){at, 1, t};
    }
  return count;
}
