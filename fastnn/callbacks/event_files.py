"""Event files, which TensorBoard reads: a writer of tensorboardX on a file of its own, and summaries that it has no function for."""
import itertools
import os
import socket
import struct
import time
import weakref
import zlib

import numpy as np

from ..utils.extras import require

BUCKETS = 30        # of a histogram, as Keras' have
_numbers = itertools.count()


def summary_writer(folder):
    """A `tensorboardX.SummaryWriter` whose summaries are in the file when its methods return.

    Its own files are written by a thread: what waits for that thread is lost when the process is killed, and two writers made
    within the same second take the same file.  Here each event is one write to a file that nobody else has.

    Args:
        folder: where the file is made; folders that are missing are made, too.

    Raises:
        ImportError: tensorboardX is not installed.
        OSError: the file cannot be written.
    """
    writer = require("tensorboardX", "TensorBoard").SummaryWriter(folder, write_to_disk=False)
    file = EventFile(folder)
    writer.file_writer, writer.all_writers, writer._write_to_disk = file, {folder: file}, True
    writer._get_file_writer = lambda: file
    return writer


class EventFile:
    """A file of events, in the place of a `tensorboardX.FileWriter`."""

    def __init__(self, folder):
        self.folder = folder
        self.events = require("tensorboardX.proto.event_pb2", "TensorBoard")
        self.checksum = require("tensorboardX.record_writer", "TensorBoard").masked_crc32c
        os.makedirs(folder, exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{next(_numbers):06}"
        self.path = os.path.join(folder, name)
        self.file = open(self.path, "xb", buffering=0)
        weakref.finalize(self, self.file.close)
        self.add_event(self.events.Event(file_version="brain.Event:2"))

    def get_logdir(self):
        return self.folder

    def add_summary(self, summary, global_step=None, walltime=None):
        self.add_event(self.events.Event(summary=summary), global_step, walltime)

    def add_graph(self, graph):
        """A GraphDef, the one of the whole run."""
        self.add_event(self.events.Event(graph_def=graph.SerializeToString()))

    def add_event(self, event, step=None, walltime=None):
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        record = b"".join([length, struct.pack("<I", self.checksum(length)), data, struct.pack("<I", self.checksum(data))])
        while record:
            record = record[self.file.write(record):]

    def flush(self):
        """The file is on disk, too: it outlives the machine."""
        if not self.file.closed:
            os.fsync(self.file.fileno())

    def close(self):
        self.flush()
        self.file.close()

    @property
    def closed(self):
        return self.file.closed


# ---- Summaries --------------------------------------------------------------------------------------------------

def add_histogram(writer, tag, values, step):
    """The histogram of an array, in as many buckets as Keras makes; values that are no numbers are left out.

    Returns:
        Whether all values are numbers.
    """
    values = np.asarray(values, "float64").ravel()
    finite = values[np.isfinite(values)]
    if finite.size:
        low, high = finite.min(), finite.max()
        if low == high:
            counts, limits = [finite.size], [high]
        else:
            counts, edges = np.histogram(finite, BUCKETS, (low, high))
            limits = edges[1:]
        writer.add_histogram_raw(tag, low, high, finite.size, finite.sum(), np.square(finite).sum(), list(limits), list(counts), step)
    return finite.size == values.size


def add_image(writer, tag, pixels, step):
    """An image, uint8 (height, width, 1 or 3)."""
    proto = require("tensorboardX.proto.summary_pb2", "TensorBoard")
    height, width, channels = pixels.shape
    image = proto.Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png(pixels))
    writer.file_writer.add_summary(proto.Summary(value=[proto.Summary.Value(tag=tag, image=image)]), step)


def png(pixels):
    """The bytes of a PNG file: of uint8 (height, width, 1 or 3)."""
    height, width, channels = pixels.shape

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (1, 0)))         # each row begins with its filter: none
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")


def add_model(writer, config):
    """The config of a model, as JSON, of which TensorBoard makes the conceptual graph."""
    proto = require("tensorboardX.proto.summary_pb2", "TensorBoard")
    metadata = proto.SummaryMetadata(plugin_data=proto.SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1"))
    tensor = require("tensorboardX.proto.tensor_pb2", "TensorBoard").TensorProto(dtype="DT_STRING", string_val=[config.encode()])
    writer.file_writer.add_summary(proto.Summary(value=[proto.Summary.Value(tag="keras", metadata=metadata, tensor=tensor)]), 0)


# ---- Weights as images ------------------------------------------------------------------------------------------

LARGEST = 64        # tiles in a row, and in a column


def weight_image(value):
    """The pixels of a weight, uint8 (height, width, 1 or 3): its smallest value is black, its largest white.

    A vector is a row, and a matrix lies down.  Kernels of convolutions become a sheet of tiles: a tile for each
    filter where there are one or three input channels, which are colors then; else a row of tiles for each filter, a tile for each
    input channel.  Not more than 64 each way.

    Returns:
        None for a weight with other axes, or without any finite number.
    """
    value = np.asarray(value, "float64")
    if value.ndim != 4:
        value = value.squeeze()
    if value.ndim not in (1, 2, 3, 4) or not np.isfinite(value).any():
        return None
    low, high = value[np.isfinite(value)].min(), value[np.isfinite(value)].max()
    gray = np.nan_to_num((value - low) / (high - low) if high > low else np.full(value.shape, 0.5), nan=0, posinf=1, neginf=0)
    pixels = np.rint(gray.clip(0, 1) * 255).astype("uint8")
    if pixels.ndim <= 2:
        pixels = pixels.reshape(len(pixels), -1)
        return (pixels.T if pixels.shape[0] > pixels.shape[1] else pixels)[:, :, None]
    if pixels.ndim == 3:                    # of Conv1D: (width, channels, filters)
        pixels = pixels[:, :, None]
    elif pixels.shape[2] not in (1, 3):     # (height, width, channels, filters), as (height, width, 1, filters, channels)
        return sheet(pixels[:, :, None].transpose(0, 1, 2, 4, 3)[..., :LARGEST, :LARGEST])
    count = min(pixels.shape[3], LARGEST**2)
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    tiles = np.zeros((*pixels.shape[:3], rows * columns), "uint8")
    tiles[..., :count] = pixels[..., :count]
    return sheet(tiles.reshape(*pixels.shape[:3], rows, columns))


def sheet(tiles):
    """One image of tiles (height, width, channels, rows, columns), with a line between them."""
    tiles = np.pad(tiles, ((0, 1), (0, 1), (0, 0), (0, 0), (0, 0)))
    height, width, channels, rows, columns = tiles.shape
    return tiles.transpose(3, 0, 4, 1, 2).reshape(rows * height, columns * width, channels)[:-1, :-1]
