"""Stand-in."""


def modern_config(config):
    return config
