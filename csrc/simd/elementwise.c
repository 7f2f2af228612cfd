/* Tuned float kernels: elementwise. */
