"""Why fastnn lacks some of Keras' names and arguments, in the words of docs/keras.md (tools/keras_names.py writes it)."""

# Why names are missing: patterns of what follows "keras." in the name, the first that fits counts.
ELSEWHERE = "tied to another framework"
DISTRIBUTION, QUANTIZATION, POLICIES = "work spread over devices", "quantization", "dtype policies beyond `floatx`"
FILES, IMAGES, DATA, TEXT = "model files: next", "image augmentation: next", "data pipelines: next", "text and categories: next"
DRAWING, STATELESS = "drawing", "calls without state, which a backend that compiles pure functions needs"
SERIALIZING = "objects from configs, by registered name: next"
RECURRENT, ATTENTION, TREES = "recurrent layers: next", "attention layers: next", "nested structures: not public yet"
REASONS = {
    "*.TFSMLayer *.JaxLayer *.FlaxLayer *.TorchModuleWrapper config.is_nnx_enabled "
    "export.*": ELSEWHERE,
    "*.OrbaxCheckpoint": "writes the format of JAX's Orbax: ModelCheckpoint and BackupAndRestore do its work",
    "applications.*": "ready-made networks, with weights to download: not begun",
    "distribution.* device": DISTRIBUTION,
    "quantizers.* Quantizer *.AWQ* *.GPTQ* *.Int4* *.Quantized*": QUANTIZATION,
    "*LossScaleOptimizer": "training in float16",
    "dtype_policies.* mixed_precision.* DTypePolicy FloatDTypePolicy config.*dtype_policy": POLICIES,
    "*.polar *.view_as_complex *.view_as_real": "complex numbers: fastnn has no complex dtype",
    "layers.*RNN* layers.LSTM* layers.GRU* layers.Bidirectional layers.ConvLSTM* layers.TimeDistributed": RECURRENT,
    "layers.*Attention": ATTENTION,
    "layers.CategoryEncoding layers.Discretization layers.Hash* layers.*Lookup layers.TextVectorization layers.Normalization "
    "utils.FeatureSpace": TEXT,
    "layers.*Spectrogram": "sound: next",
    "layers.Random* layers.Aug* layers.Auto* layers.CenterCrop layers.ContrastLimited* layers.CutMix layers.MixUp "
    "layers.RandAugment layers.*Equalization layers.Resizing layers.Solarization layers.MaxNumBoundingBoxes layers.Pipeline":
        IMAGES,
    "*.bounding_boxes.*": "boxes in images: next",
    "ops.image.*": "operations on images: next",
    "*array_to_img *img_to_array *load_img *save_img *smart_resize": "image files: next",
    "*_dataset_from_directory *timeseries_dataset_from_array utils.split_dataset utils.*pack_x_y_sample_weight": DATA,
    "callbacks.BackupAndRestore callbacks.ModelCheckpoint *.load_model *.save_model *.load_weights *.save_weights "
    "models.model_from_json saving.KerasFileEditor": FILES,
    "saving.* legacy.* utils.legacy.* utils.Config": SERIALIZING,
    "callbacks.*": "callbacks: next",
    "optimizers.*": "optimizers: next",
    "tree.*": TREES,
    "visualization.* utils.model_to_dot utils.plot_model": DRAWING,
    "wrappers.*": "estimators for scikit-learn: next",
    "distillation.*": "distillation: next",
    "*Scope remat": STATELESS,
    "config.*flash_attention*": "fastnn chooses the kernels of attention itself",
    "config.*interactive_logging* utils.*interactive_logging* config.*traceback_filtering*":
        "how messages and errors are shown: next",
    "config.*max_epochs config.*max_steps_per_epoch": "limits on training for all models at once: next",
    "*.set_backend config.backend": "fastnn is its own and only backend",
    "*.is_keras_tensor KerasTensor Operation Function utils.get_source_inputs": "parts of graphs of layers: not public",
    "*.is_float_dtype *.is_int_dtype *.result_type *.standardize_dtype": "functions of dtypes: next",
    "name_scope": "names of layers are flat",
    "version": "`fastnn.__version__` is there",
}

# Arguments that many of Keras' functions have, and why fastnn's lack them.
ARGUMENT_REASONS = {
    "quantization_config": QUANTIZATION, "lora_rank": "low-rank adaptation", "lora_alpha": "low-rank adaptation",
    "sparse": "sparse tensors", "ragged": "ragged tensors", "aggregation": DISTRIBUTION, "synchronization": DISTRIBUTION,
    "layout": DISTRIBUTION, "autocast": POLICIES,
}

# Methods and attributes that classes lack: patterns of CLASS.NAME; one without a rule is "not there".
MEMBER_REASONS = {
    "*.quantize* *.quantization_mode *.get_quantization_layer_structure *.variable_serialization_spec": QUANTIZATION,
    "*.enable_lora": "low-rank adaptation",
    "*.save *.save_weights *.load_weights *.to_json *.save_own_variables *.load_own_variables": FILES,
    "*.dtype_policy *.input_dtype": POLICIES,
    "*.stateless_* *.get_state_tree *.set_state_tree *.rematerialized_call": STATELESS,
    "Variable.aggregation Variable.synchronization": DISTRIBUTION,
}
