/* The background thread: made with the first call, idle on a condition between calls, made anew after fork().
 *
 * Kernels run on this one thread alone: the pool belongs to the step.  Whoever waits for a call that has not begun takes it
 * back and runs it, so that nothing is slower than without the thread, however busy the processors are. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* SCHED_BATCH */
#endif
#include "feeder.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "threads.h"

enum { LOOKS = 2000 }; /* at a call that runs, before the waiting thread sleeps: some 20 us */

static struct {
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  fn_later *first, *last; /* what is queued */
  int running;            /* whether there is a thread */
  int busy;               /* calls that run, here or in a thread that waits */
} feeder = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static void run(fn_later *job) {
  job->status = job->call(job->args, job->count);
  memcpy(job->bad, fn_last_bad_index(), sizeof job->bad);
}

static void unlink_job(fn_later *job) {
  fn_later **link = &feeder.first, *before = NULL;
  while (*link != job) before = *link, link = &before->next;
  *link = job->next;
  if (feeder.last == job) feeder.last = before;
}

/* With the lock; who waits looks at the state without it. */
static void enter(fn_later *job, int state) { __atomic_store_n(&job->state, state, __ATOMIC_RELEASE); }

/* With the lock; then the job may be gone. */
static void finish(fn_later *job) {
  feeder.busy--;
  enter(job, FN_DONE);
  pthread_cond_broadcast(&feeder.done);
}

static void *feed(void *unused) {
  (void)unused;
  fn_flush_denormals();
  fn_stay_alone();
#ifdef SCHED_BATCH
  sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}); /* waking up, it waits its turn: the step goes on meanwhile */
#endif
  pthread_mutex_lock(&feeder.lock);
  for (;;) {
    while (!feeder.first) pthread_cond_wait(&feeder.work, &feeder.lock);
    fn_later *job = feeder.first;
    unlink_job(job);
    enter(job, FN_RUNNING), feeder.busy++;
    pthread_mutex_unlock(&feeder.lock);
    run(job);
    pthread_mutex_lock(&feeder.lock);
    finish(job);
  }
  return NULL;
}

/* ---- fork(): calls that run are waited for; those that are queued go along, and whoever waits for them runs them ---- */

static void before_fork(void) {
  pthread_mutex_lock(&feeder.lock);
  while (feeder.busy) pthread_cond_wait(&feeder.done, &feeder.lock);
}
static void after_fork(void) { pthread_mutex_unlock(&feeder.lock); }
static void in_child(void) {
  pthread_mutex_init(&feeder.lock, NULL);
  pthread_cond_init(&feeder.work, NULL);
  pthread_cond_init(&feeder.done, NULL);
  feeder.running = 0;
}
static void watch_forks(void) { pthread_atfork(before_fork, after_fork, in_child); }

/* ---- What launch.pyx calls ---- */

void fn_later_begin(fn_later *job) {
  static pthread_once_t watching = PTHREAD_ONCE_INIT;
  pthread_t thread;
  pthread_once(&watching, watch_forks);
  pthread_mutex_lock(&feeder.lock);
  enter(job, FN_QUEUED), job->next = NULL;
  if (feeder.first) feeder.last->next = job;
  else feeder.first = job;
  feeder.last = job;
  if (!feeder.running && !fn_start_thread(&thread, feed, NULL)) { /* without a thread, who waits does the work */
    pthread_detach(thread);
    feeder.running = 1;
  }
  pthread_mutex_unlock(&feeder.lock);
  pthread_cond_signal(&feeder.work);
}

void fn_later_wait(fn_later *job) {
  for (int i = 0; i < LOOKS; i++) {
    int state = __atomic_load_n(&job->state, __ATOMIC_ACQUIRE);
    if (state == FN_NEW || state == FN_DONE) return;
    if (state == FN_QUEUED) break;
    fn_pause();
  }
  pthread_mutex_lock(&feeder.lock);
  if (job->state == FN_QUEUED) {
    unlink_job(job);
    enter(job, FN_RUNNING), feeder.busy++;
    pthread_mutex_unlock(&feeder.lock);
    unsigned before = fn_flush_denormals();
    run(job);
    fn_restore_denormals(before);
    pthread_mutex_lock(&feeder.lock);
    finish(job);
  }
  while (job->state != FN_DONE) pthread_cond_wait(&feeder.done, &feeder.lock);
  pthread_mutex_unlock(&feeder.lock);
}
