/* Tuned float kernels: norm. */
