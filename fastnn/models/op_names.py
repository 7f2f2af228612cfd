"""Where Keras has the classes that stand in configs for functions of `fastnn.ops`, and what they are called."""
from ..utils.naming import to_snake_case

# module: classes; all others are in keras.src.ops.numpy
HOMES = {
    "nn": ("Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SoftShrink SparsePlus Silu Squareplus LogSigmoid LeakyRelu HardSigmoid HardSilu "
           "Elu Selu Gelu Celu Glu TanhShrink HardTanh HardShrink Threshold Softmax LogSoftmax Sparsemax MaxPool AdaptiveMaxPool AveragePool "
           "AdaptiveAveragePool Conv DepthwiseConv SeparableConv ConvTranspose OneHot BinaryCrossentropy CategoricalCrossentropy "
           "SparseCategoricalCrossentropy MultiHot Moments BatchNorm CTCLoss CTCDecode Normalize PSNR DotProductAttention RMSNorm LayerNorm "
           "Polar Unfold Fold DepthToSpace SpaceToDepth"),
    "math": ("SegmentSum SegmentMax SegmentMin SegmentProd TopK InTopK Logsumexp CDist ExtractSequences FFT FFT2 IFFT2 RFFT IRFFT STFT ISTFT "
             "Rsqrt Erf Erfc Erfinv Logdet ViewAsComplex ViewAsReal"),
    "core": ("Map Scan AssociativeScan Scatter ScatterUpdate Slice SliceUpdate Switch WhileLoop StopGradient ForiLoop Unstack Cast SaturateCast "
             "ConvertToTensor Cond VectorizedMap"),
    "linalg": "Cholesky CholeskyInverse Det Eig Eigh Inv LuFactor Norm Qr Solve SolveTriangular SVD Lstsq MatrixRank Pinv JVP",
    "image": "Resize",
}
HOME = {name: f"keras.src.ops.{home}" for home, names in HOMES.items() for name in names.split()}
# function: class, where one does not follow from the other
CLASSES = {
    "allclose": "AllClose", "isin": "IsIn", "searchsorted": "SearchSorted", "batch_normalization": "BatchNorm", "psnr": "PSNR", "svd": "SVD",
    "layer_normalization": "LayerNorm", "rms_normalization": "RMSNorm", "ctc_loss": "CTCLoss", "ctc_decode": "CTCDecode", "cdist": "CDist",
    "fft": "FFT", "fft2": "FFT2", "ifft2": "IFFT2", "rfft": "RFFT", "irfft": "IRFFT", "stft": "STFT", "istft": "ISTFT", "jvp": "JVP",
}
FUNCTIONS = {name: function for function, name in CLASSES.items()}


def keras_class(class_name):
    """(module, class) in Keras of an Operation's class name."""
    name = CLASSES.get(to_snake_case(class_name), class_name)
    return HOME.get(name, "keras.src.ops.numpy"), name


def function_of(class_name):
    """The name in `fastnn.ops` of a class of Keras."""
    return FUNCTIONS.get(class_name, to_snake_case(class_name))
