"""The learning rates of an optimizer, of which a MultiOptimizer has several: common to the callbacks that read and set them."""


def optimizers_of(model, callback):
    """{what follows "learning_rate" in the logs: an optimizer that has one}.

    Args:
        model: whose optimizers they are.
        callback: who asks, for the message.

    Raises:
        ValueError: the model is not compiled with an optimizer that has a learning rate.
    """
    optimizer = model.optimizer
    if hasattr(optimizer, "optimizers"):
        return {f"_{one.name}": one for one in optimizer.optimizers}
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(f"{callback} needs an optimizer with a learning rate: compile the model with one")
    return {"": optimizer}


def log_rates(model, callback, logs):
    """Adds "learning_rate" to the logs; of a MultiOptimizer one for each optimizer, with its name behind."""
    for name, optimizer in optimizers_of(model, callback).items():
        logs[f"learning_rate{name}"] = float(optimizer.learning_rate)
