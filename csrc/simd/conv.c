/* Tuned float kernels: 2-D convolution, by implicit im2col. */
#include "level.h"
#include "../conv.h"
#include "conv_tile.h"

#include "winograd.h"
#include "winograd_forward.h"
#include "conv_forward.h"
#include "conv_data.h"
#include "conv_weights.h"
