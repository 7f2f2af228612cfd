# Part of launch.pyx: recorded launches that run as one C call.

cdef extern from "plan.h":
    ctypedef struct fn_call:
        fn_kernel call
        fn_arg *args
        int64_t count
    ctypedef struct fn_plan:
        fn_call *calls
        int64_t count
        int64_t done
        int64_t *ns
    int fn_replay(const fn_arg *a, int64_t count) noexcept nogil
    int64_t fn_nanoseconds() nogil

cdef struct Pointer:        # an argument that points into a segment
    void **where
    int64_t offset

cdef struct Segment:
    char *base              # where its pointers point now
    int typenum
    int64_t bytes
    int64_t first, end      # which of the plan's pointers point into it


class Misfit(ValueError):
    """An array that is not what a plan takes: of another size, dtype or memory layout."""


class Stopped(Exception):
    """A launch of a plan failed: `index`, which one it was, and `error`, what `launch` would have raised."""

    def __init__(self, index, error):
        super().__init__(index, error)
        self.index, self.error = index, error


@cython.no_gc       # the collector would let go of arrays that a run in the background still writes
cdef class Plan:
    """Launches that run one after another as one C call, with the global lock released.

    Args:
        calls: a tuple (kernel, dtype, args) for each launch.  The dtype is that of its `T` arrays, "" if it has none; args are
            those of `launch`, but for arrays that lie somewhere else at each run: these are tuples (segment, offset, bytes),
            with the array's size as the recorded launch has checked it.
        workspace: bytes of segment 0, memory that the plan has for the time of a run.
        inputs: (dtype, number of elements) of the segments 1, 2 ...: arrays that are passed to each run.
        outputs: (dtype, shape) of the segments that follow: new arrays that each run gives back.

    Raises:
        ValueError, TypeError: arguments that do not fit the signature, places that are not inside their segments.
    """
    cdef fn_plan plan
    cdef fn_arg *args
    cdef Pointer *pointers
    cdef Segment *segments
    cdef int count              # of segments, the workspace included
    cdef int inputs             # of these
    cdef readonly list outputs
    cdef bint busy
    cdef list arrays            # that arguments point to for good
    cdef readonly list names    # of the kernels
    cdef fn_later job
    cdef fn_arg job_args
    cdef tuple held             # the arrays of a run in the background

    def __cinit__(self, list calls, int64_t workspace, list inputs, list outputs):
        cdef int64_t total = sum([len(args) for _, _, args in calls])
        if workspace < 0:
            raise ValueError(f"a workspace has >= 0 bytes, received {workspace}")
        segments = inputs + [(dtype, signature.product(shape)) for dtype, shape in outputs]
        self.count, self.inputs, self.outputs = len(segments) + 1, len(inputs), outputs
        self.arrays, self.names = [], [name for name, _, _ in calls]
        self.plan.calls = <fn_call *>malloc((len(calls) + 1) * sizeof(fn_call))
        self.args = <fn_arg *>malloc((total + 1) * sizeof(fn_arg))
        self.pointers = <Pointer *>malloc((total + 1) * sizeof(Pointer))
        self.segments = <Segment *>malloc(self.count * sizeof(Segment))
        if self.plan.calls is NULL or self.args is NULL or self.pointers is NULL or self.segments is NULL:
            raise MemoryError()
        self.plan.count, self.plan.ns, self.job_args.p = 0, NULL, &self.plan
        self.segments[0] = Segment(NULL, 0, workspace, 0, 0)
        for i, (dtype, size) in enumerate(segments):
            self.segments[i + 1] = Segment(NULL, DTYPES[dtype], size * SIZES[dtype], 0, 0)
        placed = [[] for _ in range(self.count)]
        for name, dtype, args in calls:
            self.add(name, dtype, args, placed)
        self.sort(placed)

    def __dealloc__(self):
        with nogil:
            fn_later_wait(&self.job)
        free(self.plan.calls)
        free(self.args)
        free(self.pointers)
        free(self.segments)

    cdef add(self, str name, str dtype, args, list placed):
        """One more call; puts its arguments that point into segments on the lists of these."""
        cdef Kernel k = KERNELS[name]
        cdef fn_call *call = &self.plan.calls[self.plan.count]
        cdef fn_arg *a = self.args if self.plan.count == 0 else (call - 1).args + (call - 1).count
        cdef int own = DTYPES[dtype] if dtype else 0
        cdef Parameter *p
        k.check_count(len(args))
        for i, value in enumerate(args):
            p = k.parameter(i)
            if p.kind == b'a' and type(value) is tuple:
                segment, offset, size = value
                if not 0 <= segment < self.count or offset < 0 or size < 0 or offset + size > self.segments[<int>segment].bytes:
                    raise ValueError(f"{k.describe(i)}: there is no place for {size} bytes at {offset} in segment {segment}")
                placed[segment].append((<size_t>&a[i], offset))
            else:
                k.read(i, value, p, &a[i], &own)
                if p.kind == b'a':
                    self.arrays.append(value)
        call.call = k.variant(own)
        call.args, call.count = a, len(args)
        self.plan.count += 1

    cdef sort(self, list placed):
        cdef int64_t n = 0
        for i in range(self.count):
            self.segments[i].first = n
            for where, offset in placed[i]:
                self.pointers[n] = Pointer(<void **><size_t>where, offset)
                n += 1
            self.segments[i].end = n

    cdef int point(self, int i, char *base) except -1:
        """Lets the pointers of a segment point into this memory."""
        cdef Segment *s = &self.segments[i]
        cdef int64_t k
        if s.base is not base:
            for k in range(s.first, s.end):
                self.pointers[k].where[0] = base + self.pointers[k].offset
            s.base = base
        return 0

    cdef char *prepare(self, tuple arrays) except? NULL:
        """Points all segments to the arrays of a run, and the first to new memory, which it returns."""
        cdef cnp.ndarray array
        cdef int i
        cdef char *workspace = NULL
        for i in range(1, self.count):
            if type(arrays[i - 1]) is not cnp.ndarray:
                raise TypeError(f"array {i - 1} of the plan must be a NumPy array, received {type(arrays[i - 1]).__name__}")
            array = arrays[i - 1]
            if (not same_type(cnp.PyArray_TYPE(array), self.segments[i].typenum) or cnp.PyArray_NBYTES(array) != self.segments[i].bytes
                    or not cnp.PyArray_IS_C_CONTIGUOUS(array) or not cnp.PyArray_ISALIGNED(array)
                    or not cnp.PyArray_ISNOTSWAPPED(array)):
                raise Misfit(f"array {i - 1} of the plan: expected {self.segments[i].bytes} bytes of "
                                 f"{DTYPE_NAMES[self.segments[i].typenum]}, contiguous and aligned, received {array.nbytes} of {array.dtype}")
            self.point(i, <char *>cnp.PyArray_DATA(array))
        if self.segments[0].bytes:
            workspace = <char *>fn_alloc(self.segments[0].bytes)
            if workspace is NULL:
                raise MemoryError(f"no memory for the {self.segments[0].bytes / 2**20:.0f} MB of a step: use smaller batches")
            self.point(0, workspace)
        return workspace

    cdef finish(self, char *workspace, int status, const int64_t *bad):
        if workspace is not NULL:
            fn_free(workspace, self.segments[0].bytes)
        self.busy = False
        if status != FN_OK:
            try:
                (<Kernel>KERNELS[self.names[self.plan.done]]).fail(status, bad)
            except Exception as error:
                raise Stopped(self.plan.done, error) from None

    def sizes(self):
        """Bytes of the inputs, and of the outputs."""
        sizes = [self.segments[i].bytes for i in range(1, self.count)]
        return sum(sizes[:self.inputs]), sum(sizes[self.inputs:])

    cdef tuple all_arrays(self, tuple arrays):
        """Inputs and outputs of a run: new arrays for outputs that were not passed."""
        if len(arrays) == self.count - 1:
            return arrays
        if len(arrays) != self.inputs:
            raise TypeError(f"the plan takes {self.inputs} arrays, or {self.count - 1} with those for its outputs; received {len(arrays)}")
        return arrays + tuple([empty(shape, dtype) for dtype, shape in self.outputs])

    def run(self, tuple arrays, list times=None):
        """Runs the launches.

        Args:
            arrays: for each input its array; and for each output, where it is to lie in an array that is there.
            times: list to which the nanoseconds of each launch are added; None: they are not measured.

        Returns:
            The arrays of inputs and outputs; None, and nothing was done, if another thread runs this plan at the moment.

        Raises:
            Stopped: a launch failed; those before it have run.
            ValueError, TypeError: arrays that do not fit.
        """
        cdef int status
        cdef unsigned before
        cdef char *workspace
        cdef cnp.ndarray ns = None
        if self.busy:
            return None
        self.busy = True
        try:
            arrays = self.all_arrays(arrays)
            if times is not None:
                ns = cnp.PyArray_SimpleNew(1, &self.plan.count, cnp.NPY_INT64)
            workspace = self.prepare(arrays)
        except BaseException:
            self.busy = False
            raise
        self.plan.ns = NULL if ns is None else <int64_t *>cnp.PyArray_DATA(ns)
        with nogil:
            before = fn_flush_denormals()
            status = fn_replay(&self.job_args, 1)
            fn_restore_denormals(before)
        self.plan.ns = NULL
        if ns is not None:
            times.extend(ns[:self.plan.done].tolist())
        self.finish(workspace, status, fn_last_bad_index())
        return arrays

    def begin(self, tuple arrays):
        """As `run`, on the thread in the background; nothing that it reads or writes may be touched before `wait`."""
        if self.busy or self.segments[0].bytes:
            raise ValueError("a plan runs in the background one at a time, and without a workspace")
        self.busy = True
        try:
            arrays = self.all_arrays(arrays)
            self.prepare(arrays)
        except BaseException:
            self.busy = False
            raise
        self.held = arrays
        self.job.call, self.job.args, self.job.count = fn_replay, &self.job_args, 1
        fn_later_begin(&self.job)

    def wait(self):
        """Returns when what `begin` began has run; raises as `run`."""
        if self.held is not None:
            with nogil:
                fn_later_wait(&self.job)
            self.held = None
            self.finish(NULL, self.job.status, self.job.bad)
