"""Callbacks: what a training tells while it runs, and what may steer it."""
from .backup_and_restore import BackupAndRestore
from .base_logger import BaseLogger
from .callback import Callback
from .callback_list import CallbackList
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .gradient_monitor import GradientMonitor
from .history import History, Logs
from .lambda_callback import LambdaCallback
from .learning_rate_scheduler import LearningRateScheduler
from .model_checkpoint import ModelCheckpoint
from .plot_training import PlotTraining
from .progbar_logger import ProgbarLogger
from .reduce_lr_on_plateau import ReduceLROnPlateau
from .remote_monitor import RemoteMonitor
from .swap_ema_weights import SwapEMAWeights
from .tensorboard import TensorBoard
from .terminate_on_nan import TerminateOnNaN
from .time_limit import TimeLimit

__all__ = ["BackupAndRestore", "BaseLogger", "Callback", "CallbackList", "CSVLogger", "EarlyStopping", "GradientMonitor", "History", "LambdaCallback",
           "LearningRateScheduler", "ModelCheckpoint", "PlotTraining", "ProgbarLogger", "ReduceLROnPlateau", "RemoteMonitor",
           "SwapEMAWeights", "TensorBoard", "TerminateOnNaN", "TimeLimit"]
