/* Tuned float kernels: update. */
