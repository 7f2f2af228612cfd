/* One row of the batch at one step, all units: gates and states, forward and backward.  Written for any two activations, and
 * compiled once more for those that nearly everybody uses. */

typedef struct {
  const float *x, *p;       /* of z, and the state times the kernel */
  const float *factor;      /* of the state, or NULL */
  const float *before;      /* the state before the step, of which `fed` is the product with the factor */
  float *h, *c, *y, *fed;   /* what the step gives: states, output, what goes into the next product */
  float *gates, *cells;     /* what is kept, or NULL */
  const float *c_before;
  float *dh, *dc, *dz, *dp; /* gradients, dp that of the product */
  float *dfed, *inner;      /* see the GRU */
  int64_t stream;           /* whether gates, cells and dz are written past the caches */
} recurrent_row;

FN_INLINE vf recurrent_act(int act, vf x) {
  if (act == FN_HARD_SIGMOID) return vclip(x * (1.0f / 6) + 0.5f, 0, 1);
  return vactivate(act, x, 0);
}
FN_INLINE vf recurrent_slope(int act, vf dy, vf y) {
  const vf zero = {0};
  if (act == FN_HARD_SIGMOID) return vselect((y <= zero) | (y >= vset1(1)), zero, dy * (1.0f / 6));
  return vactivate_grad(act, dy, y, 0);
}

/* Runs UNITS(i, n) over u units, n = VL of them or the last few at a time. */
#define RECURRENT_UNITS(u, UNITS)                    \
  do {                                               \
    int64_t i_ = 0;                                  \
    for (; i_ + VL <= u; i_ += VL) UNITS(i_, VL);    \
    if (i_ < u) UNITS(i_, u - i_);                   \
  } while (0)

/* Writes what is not read again before long. */
FN_INLINE void recurrent_put(const recurrent_row *r, float *p, vf v, int64_t n) { stream_lanes(p, v, n, r->stream); }

/* The new state: stored as such, as the output, and as what is multiplied next. */
FN_INLINE void recurrent_give(const recurrent_row *r, int64_t i, vf h, int64_t n) {
  store_lanes(r->h + i, h, n), store_lanes(r->y + i, h, n);
  store_lanes(r->fed + i, r->factor ? h * load_lanes(r->factor + i, n) : h, n);
}

FN_INLINE void simple_units(const recurrent_row *r, int64_t u, int act, int rec) {
  (void)rec;
#define UNITS(i, n) recurrent_give(r, i, recurrent_act(act, load_lanes(r->x + i, n) + load_lanes(r->p + i, n)), n)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

FN_INLINE void simple_units_back(const recurrent_row *r, int64_t u, int act, int rec) {
  (void)rec;
#define UNITS(i, n)                                                                             \
  do {                                                                                          \
    vf dz = recurrent_slope(act, load_lanes(r->dh + i, n), load_lanes(r->y + i, n));            \
    recurrent_put(r, r->dz + i, dz, n), store_lanes(r->dp + i, dz, n), store_lanes(r->dh + i, (vf){0}, n); \
  } while (0)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

/* ---- LSTM ---- */

FN_INLINE void lstm_some(const recurrent_row *r, int64_t u, int64_t i, int64_t n, int act, int rec) {
#define GATE(k, act) recurrent_act(act, load_lanes(r->x + k * u + i, n) + load_lanes(r->p + k * u + i, n))
  vf in = GATE(0, rec), forget = GATE(1, rec), fresh = GATE(2, act), out = GATE(3, rec);
#undef GATE
  vf c = forget * load_lanes(r->c + i, n) + in * fresh;
  store_lanes(r->c + i, c, n);
  recurrent_give(r, i, out * recurrent_act(act, c), n);
  if (!r->gates) return;
  recurrent_put(r, r->gates + i, in, n), recurrent_put(r, r->gates + u + i, forget, n);
  recurrent_put(r, r->gates + 2 * u + i, fresh, n), recurrent_put(r, r->gates + 3 * u + i, out, n);
  recurrent_put(r, r->cells + i, c, n);
}

FN_INLINE void lstm_units(const recurrent_row *r, int64_t u, int act, int rec) {
#define UNITS(i, n) lstm_some(r, u, i, n, act, rec)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

FN_INLINE void lstm_some_back(const recurrent_row *r, int64_t u, int64_t i, int64_t n, int act, int rec) {
  vf in = load_lanes(r->gates + i, n), forget = load_lanes(r->gates + u + i, n), fresh = load_lanes(r->gates + 2 * u + i, n);
  vf out = load_lanes(r->gates + 3 * u + i, n), shown = recurrent_act(act, load_lanes(r->cells + i, n));
  vf dh = load_lanes(r->dh + i, n), dc = load_lanes(r->dc + i, n) + recurrent_slope(act, dh * out, shown);
  vf d[4] = {recurrent_slope(rec, dc * fresh, in), recurrent_slope(rec, dc * load_lanes(r->c_before + i, n), forget),
             recurrent_slope(act, dc * in, fresh), recurrent_slope(rec, dh * shown, out)};
  for (int k = 0; k < 4; k++) recurrent_put(r, r->dz + k * u + i, d[k], n), store_lanes(r->dp + k * u + i, d[k], n);
  store_lanes(r->dc + i, dc * forget, n), store_lanes(r->dh + i, (vf){0}, n);
}

FN_INLINE void lstm_units_back(const recurrent_row *r, int64_t u, int act, int rec) {
#define UNITS(i, n) lstm_some_back(r, u, i, n, act, rec)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

/* ---- GRU: with the reset gate behind the product in one go, else in two with a product between them ---- */

FN_INLINE void gru_mix(const recurrent_row *r, int64_t u, int64_t i, int64_t n, vf update, vf fresh) {
  if (r->gates) recurrent_put(r, r->gates + 2 * u + i, fresh, n);
  vf before = load_lanes(r->h + i, n);
  recurrent_give(r, i, update * before + (1 - update) * fresh, n);
}

FN_INLINE void gru_some(const recurrent_row *r, int64_t u, int64_t i, int64_t n, int act, int rec) {
  vf update = recurrent_act(rec, load_lanes(r->x + i, n) + load_lanes(r->p + i, n));
  vf reset = recurrent_act(rec, load_lanes(r->x + u + i, n) + load_lanes(r->p + u + i, n)), inner = load_lanes(r->p + 2 * u + i, n);
  if (r->gates) {
    recurrent_put(r, r->gates + i, update, n), recurrent_put(r, r->gates + u + i, reset, n);
    recurrent_put(r, r->gates + 3 * u + i, inner, n);
  }
  gru_mix(r, u, i, n, update, recurrent_act(act, load_lanes(r->x + 2 * u + i, n) + reset * inner));
}

FN_INLINE void gru_units(const recurrent_row *r, int64_t u, int act, int rec) {
#define UNITS(i, n) gru_some(r, u, i, n, act, rec)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

/* The gates, where p is their part of the product; the update gate takes its place there, the reset gate that of the state. */
FN_INLINE void gru_gates(const recurrent_row *r, int64_t u, int act, int rec) {
  (void)act;
#define UNITS(i, n)                                                                                        \
  do {                                                                                                     \
    vf update = recurrent_act(rec, load_lanes(r->x + i, n) + load_lanes(r->p + i, n));                     \
    vf reset = recurrent_act(rec, load_lanes(r->x + u + i, n) + load_lanes(r->p + u + i, n));              \
    if (r->gates) recurrent_put(r, r->gates + i, update, n), recurrent_put(r, r->gates + u + i, reset, n);           \
    store_lanes(r->inner + i, update, n), store_lanes(r->fed + i, load_lanes(r->fed + i, n) * reset, n);   \
  } while (0)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

FN_INLINE void gru_rest(const recurrent_row *r, int64_t u, int act, int rec) {
  (void)rec;
#define UNITS(i, n)                                                                                        \
  gru_mix(r, u, i, n, load_lanes(r->inner + i, n),                                                         \
          recurrent_act(act, load_lanes(r->x + 2 * u + i, n) + load_lanes(r->p + 2 * u + i, n)))
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

/* Gradients of the update gate and of the candidate, with what passes to the state by the mixture. */
FN_INLINE vf gru_mix_back(const recurrent_row *r, int64_t u, int64_t i, int64_t n, int act, int rec) {
  vf update = load_lanes(r->gates + i, n), fresh = load_lanes(r->gates + 2 * u + i, n), dh = load_lanes(r->dh + i, n);
  vf d = recurrent_slope(rec, dh * (load_lanes(r->before + i, n) - fresh), update), df = recurrent_slope(act, dh * (1 - update), fresh);
  recurrent_put(r, r->dz + i, d, n), store_lanes(r->dp + i, d, n), recurrent_put(r, r->dz + 2 * u + i, df, n);
  store_lanes(r->dh + i, dh * update, n);
  return df;
}

FN_INLINE void gru_units_back(const recurrent_row *r, int64_t u, int act, int rec) {
#define UNITS(i, n)                                                                                        \
  do {                                                                                                     \
    vf df = gru_mix_back(r, u, i, n, act, rec), reset = load_lanes(r->gates + u + i, n);                   \
    vf dr = recurrent_slope(rec, df * load_lanes(r->gates + 3 * u + i, n), reset);                         \
    recurrent_put(r, r->dz + u + i, dr, n), store_lanes(r->dp + u + i, dr, n);                             \
    store_lanes(r->dp + 2 * u + i, df * reset, n);                                                         \
  } while (0)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

FN_INLINE void gru_rest_back(const recurrent_row *r, int64_t u, int act, int rec) {
#define UNITS(i, n) store_lanes(r->dp + 2 * u + i, gru_mix_back(r, u, i, n, act, rec), n)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

/* dfed comes as the gradient of the state times the reset gate; `inner` gets that product, which the kernel's gradient needs. */
FN_INLINE void gru_gates_back(const recurrent_row *r, int64_t u, int act, int rec) {
  (void)act;
#define UNITS(i, n)                                                                                        \
  do {                                                                                                     \
    vf reset = load_lanes(r->gates + u + i, n), back = load_lanes(r->dfed + i, n), fed = load_lanes(r->fed + i, n); \
    vf dr = recurrent_slope(rec, back * fed, reset);                                                       \
    recurrent_put(r, r->dz + u + i, dr, n), store_lanes(r->dp + u + i, dr, n);                                  \
    store_lanes(r->inner + i, fed * reset, n), store_lanes(r->dfed + i, back * reset, n);                  \
  } while (0)
  RECURRENT_UNITS(u, UNITS);
#undef UNITS
}

/* The same function with constant activations where they are the usual ones. */
#define RECURRENT_ROWS(name)                                                                                \
  static void name##_row(const recurrent_row *r, int64_t u, int act, int rec) {                             \
    if (act == FN_TANH && rec == FN_SIGMOID) name(r, u, FN_TANH, FN_SIGMOID);                               \
    else name(r, u, act, rec);                                                                              \
  }
RECURRENT_ROWS(simple_units)
RECURRENT_ROWS(simple_units_back)
RECURRENT_ROWS(lstm_units)
RECURRENT_ROWS(lstm_units_back)
RECURRENT_ROWS(gru_units)
RECURRENT_ROWS(gru_units_back)
RECURRENT_ROWS(gru_gates)
RECURRENT_ROWS(gru_gates_back)
RECURRENT_ROWS(gru_rest)
RECURRENT_ROWS(gru_rest_back)
