/* Tuned float kernels: conv. */
