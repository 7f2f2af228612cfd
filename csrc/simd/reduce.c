/* Tuned float kernels: reduce. */
