/* The thread pool.
 *
 * Not OpenMP: libgomp hangs in a forked child, several copies of it in one process are undefined behaviour, and its
 * size ignores container quotas.  The workers are created at the first parallel call, spin for a while and then sleep on a
 * futex (through a condition variable elsewhere), take chunks from a shared counter, and are forgotten after fork() so that
 * the child makes its own.  A second thread that calls in while the pool is busy runs its chunks itself: the results are
 * the same, because chunks depend on shapes alone. */
#include "threads.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A worker that sleeps takes 25 to 50 us to come back in a virtual machine; the kernels of a step follow each other faster
 * than that.  So it looks out for the next job for about 100 us first (4 chunks of 50 us on two threads: 150 us with 100
 * spins, 100 us with 4,000). */
enum { MAX_THREADS = 256, SPINS = 4000, SLOTS = 4 };

/* A number that threads wait on until it changes; `sleepers` spares the system call when nobody sleeps. */
typedef struct {
  _Alignas(64) atomic_int word;
  atomic_int sleepers;
} fn_signal;

static struct {
  pthread_mutex_t owner; /* held by the thread whose job runs */
  pthread_t workers[MAX_THREADS];
  int size;    /* threads wanted, the caller included; 0 = not asked yet */
  int running; /* workers that exist */
  int stop;
  fn_signal ticket;   /* goes up by one with each job: what workers wait on */
  fn_signal finished; /* 1 when the job is done: what the caller waits on */
  /* The job.  Its fields are read only by a thread that has taken one of its chunks, so they cannot change meanwhile. */
  void (*body)(void *ctx, int64_t chunk);
  void *ctx;
  int64_t chunks;
  _Alignas(64) atomic_llong left; /* chunks that nobody has taken; below zero when late workers looked in */
  _Alignas(64) atomic_llong done; /* chunks that are complete */
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER};

/* ---- Waiting ---- */

static void pause_a_little(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#ifdef __linux__
static void sleep_while(atomic_int *word, int value) { syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0); }
static void wake_all(atomic_int *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }
#else
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sleep_cond = PTHREAD_COND_INITIALIZER;
static void sleep_while(atomic_int *word, int value) {
  pthread_mutex_lock(&sleep_lock);
  while (atomic_load(word) == value) pthread_cond_wait(&sleep_cond, &sleep_lock);
  pthread_mutex_unlock(&sleep_lock);
}
static void wake_all(atomic_int *word) {
  (void)word;
  pthread_mutex_lock(&sleep_lock);
  pthread_cond_broadcast(&sleep_cond);
  pthread_mutex_unlock(&sleep_lock);
}
#endif

static void wait_while(fn_signal *signal, int value) {
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load(&signal->word) != value) return;
    pause_a_little();
  }
  atomic_fetch_add(&signal->sleepers, 1);
  while (atomic_load(&signal->word) == value) sleep_while(&signal->word, value);
  atomic_fetch_sub(&signal->sleepers, 1);
}

/* The change first, then the look at sleepers: who goes to sleep does it the other way round, so one of the two sees the other. */
static void set_signal(fn_signal *signal, int value) {
  atomic_store(&signal->word, value);
  if (atomic_load(&signal->sleepers)) wake_all(&signal->word);
}

/* ---- Denormals are flushed while kernels run: they slow a multiply down 2.4 times and mean nothing in training ---- */

unsigned fn_flush_denormals(void) {
#if defined(__x86_64__)
  unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040); /* flush to zero, denormals are zero */
  return before;
#else
  return 0;
#endif
}

void fn_restore_denormals(unsigned before) {
#if defined(__x86_64__)
  _mm_setcsr(before);
#else
  (void)before;
#endif
}

/* ---- The pool ---- */

/* Takes chunks until none is left.  The caller waits for chunks, not for workers: one that the system has put aside
 * costs nothing, and when it comes late it finds `left` at or below zero, or helps with the next job. */
static void take_chunks(void) {
  for (int64_t taken; (taken = atomic_fetch_sub(&pool.left, 1)) > 0;) {
    int64_t chunks = pool.chunks;
    pool.body(pool.ctx, chunks - taken);
    if (atomic_fetch_add(&pool.done, 1) + 1 == chunks) set_signal(&pool.finished, 1);
  }
}

static void *work(void *arg) {
  int seen = (int)(intptr_t)arg;
  fn_flush_denormals();
  for (;;) {
    wait_while(&pool.ticket, seen);
    seen = atomic_load(&pool.ticket.word);
    if (pool.stop) return NULL;
    take_chunks();
  }
}

static void start_workers(void) {
  int ticket = atomic_load(&pool.ticket.word);
  while (pool.running < pool.size - 1) {
    if (pthread_create(&pool.workers[pool.running], NULL, work, (void *)(intptr_t)ticket)) break; /* fewer will do */
    pool.running++;
  }
}

static void stop_workers(void) {
  pool.stop = 1;
  set_signal(&pool.ticket, atomic_load(&pool.ticket.word) + 1);
  for (int i = 0; i < pool.running; i++) pthread_join(pool.workers[i], NULL);
  pool.running = pool.stop = 0;
}

/* The child of a fork has the memory of the workers, not the workers. */
static void forget_workers(void) {
  pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
  pool.owner = fresh;
  pool.running = pool.stop = 0;
  atomic_store(&pool.left, 0);
  atomic_store(&pool.ticket.sleepers, 0);
  atomic_store(&pool.finished.sleepers, 0);
}

int fn_get_threads(void) {
  if (!pool.size) fn_set_threads(1);
  return pool.size;
}

void fn_set_threads(int threads) {
  static int watching_forks;
  pthread_mutex_lock(&pool.owner);
  if (!watching_forks) watching_forks = !pthread_atfork(NULL, NULL, forget_workers);
  stop_workers();
  pool.size = threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads;
  pthread_mutex_unlock(&pool.owner);
}

void fn_parallel(int64_t chunks, void (*body)(void *ctx, int64_t chunk), void *ctx) {
  if (chunks <= 1 || pool.size <= 1 || pthread_mutex_trylock(&pool.owner)) {
    for (int64_t i = 0; i < chunks; i++) body(ctx, i);
    return;
  }
  if (pool.running < pool.size - 1) start_workers();
  pool.body = body;
  pool.ctx = ctx;
  pool.chunks = chunks;
  atomic_store(&pool.done, 0);
  atomic_store(&pool.finished.word, 0);
  atomic_store(&pool.left, chunks);
  if (pool.running) set_signal(&pool.ticket, atomic_load(&pool.ticket.word) + 1);
  take_chunks();
  wait_while(&pool.finished, 0);
  pthread_mutex_unlock(&pool.owner);
}

/* ---- Scratch memory ---- */

#ifdef __SANITIZE_ADDRESS__
enum { SCRATCH_STEP = 1, SCRATCH_KEPT = 0 }; /* exact and fresh: so that the sanitizer sees an access beyond the end */
#else
enum { SCRATCH_STEP = 4096, SCRATCH_KEPT = 1 };
#endif

typedef struct {
  void *p[SLOTS];
  size_t size[SLOTS];
} scratch_slots;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local scratch_slots *scratch;

static void free_scratch(void *arg) {
  scratch_slots *s = arg;
  for (int i = 0; i < SLOTS; i++) free(s->p[i]);
  free(s);
}

static void make_scratch_key(void) { pthread_key_create(&scratch_key, free_scratch); }

void *fn_scratch(int slot, size_t bytes) {
  if (!scratch) {
    pthread_once(&scratch_once, make_scratch_key);
    if (!(scratch = calloc(1, sizeof *scratch))) return NULL;
    pthread_setspecific(scratch_key, scratch);
  }
  if (scratch->size[slot] < bytes || !scratch->p[slot]) {
    free(scratch->p[slot]);
    size_t size = FN_MAX((bytes + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP, (size_t)SCRATCH_STEP);
    scratch->p[slot] = fn_aligned(size);
    scratch->size[slot] = scratch->p[slot] && SCRATCH_KEPT ? size : 0;
  }
  return scratch->p[slot];
}

/* 64-byte aligned; from 2 MB on 2 MB aligned and, where the system can, in huge pages: a fresh large array costs
 * seven times as much without them. */
void *fn_aligned(size_t bytes) {
  const size_t huge = (size_t)2 << 20;
  void *p = NULL;
  if (posix_memalign(&p, bytes >= huge ? huge : 64, bytes)) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

/* ---- What went wrong with an index ---- */

static _Thread_local int64_t bad_index[3];

int fn_bad_index(int64_t position, int64_t value, int64_t limit) {
  bad_index[0] = position, bad_index[1] = value, bad_index[2] = limit;
  return FN_BAD_INDEX;
}

const int64_t *fn_last_bad_index(void) { return bad_index; }
