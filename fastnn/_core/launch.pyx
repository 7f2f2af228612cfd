# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The one door to the kernels: their table, `launch`, and the memory of tensors.

A kernel states in its signature (csrc/fn.h) what it takes; `launch` holds every call against it before the kernel
runs, so that no argument, however wrong, reaches memory that is not there.
"""
import os
import threading
import weakref

cimport cython
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.ref cimport Py_INCREF
cimport numpy as cnp

from . import signature

cnp.import_array()

cdef extern from "fn.h":
    ctypedef union fn_arg:
        void *p
        int64_t i
        double f
    ctypedef int (*fn_kernel)(const fn_arg *a, int64_t count) noexcept nogil
    ctypedef struct fn_entry:
        const char *name
        const char *signature
        fn_kernel call
        int level
        char dtype
    enum: FN_OK, FN_NOMEM, FN_BAD_INDEX

cdef extern from "select.h":
    const char *fn_level_names[5]
    int64_t fn_entries()
    const fn_entry *fn_entry_at(int64_t i)
    int fn_best_level()

cdef extern from "threads.h":
    void fn_set_threads(int threads) nogil
    int fn_get_threads()
    unsigned fn_flush_denormals() nogil
    void fn_restore_denormals(unsigned before) nogil
    const int64_t *fn_last_bad_index()

cdef extern from "feeder.h":
    ctypedef struct fn_later:
        fn_kernel call
        fn_arg *args
        int64_t count
        int status
        int64_t bad[3]
    void fn_later_begin(fn_later *job)
    void fn_later_wait(fn_later *job) nogil

cdef extern from "memory.h":
    ctypedef struct fn_memory_use:
        size_t live
        size_t idle
    void *fn_alloc(size_t bytes)
    void fn_free(void *p, size_t bytes)
    void fn_release_idle()
    fn_memory_use fn_memory()

cdef extern from *:
    """
    static int fn_add(int64_t a, int64_t b, int64_t *r) { return __builtin_add_overflow(a, b, r); }
    static int fn_sub(int64_t a, int64_t b, int64_t *r) { return __builtin_sub_overflow(a, b, r); }
    static int fn_mul(int64_t a, int64_t b, int64_t *r) { return __builtin_mul_overflow(a, b, r); }
    """
    int fn_add(int64_t a, int64_t b, int64_t *r) nogil
    int fn_sub(int64_t a, int64_t b, int64_t *r) nogil
    int fn_mul(int64_t a, int64_t b, int64_t *r) nogil


class BadIndex(ValueError):
    """A kernel met an index outside its range.

    Attributes: position (which element of the index array), value (what it was), limit (the first value too large).
    """

    def __init__(self, kernel, position, value, limit):
        super().__init__(f"[{kernel}] index {value} at position {position} is out of range: "
                         f"expected 0 <= index < {limit}")
        self.kernel, self.position, self.value, self.limit = kernel, position, value, limit


# ---- Kernels ----------------------------------------------------------------------------------------------------

cdef enum: INLINE_ARGS = 48, STACK = 32

cdef struct Parameter:
    char kind          # 'a' array, or 'n' 'p' 'i' 'f' as in fn.h
    int typenum        # of an array: NumPy's type number; TYPE_T for the kernel's own; TYPE_ANY
    bint written
    bint optional
    int code           # where the program of the extent starts, -1 for none
    int length

cdef enum: TYPE_T = -1, TYPE_ANY = -2

# What a program of an extent consists of: pairs (operation, operand).
cdef enum: PUSH_NUMBER, PUSH_ARGUMENT, PUSH_IN_GROUP, ADD, SUBTRACT, MULTIPLY


cdef class Kernel:
    """One kernel by name: its parameters, and its variants for float and double."""
    cdef readonly str name
    cdef readonly str signature
    cdef readonly object names      # of the parameters
    cdef Parameter *parameters
    cdef int64_t *program
    cdef int fixed                  # parameters before the group that repeats
    cdef int group                  # parameters of that group, 0 for none
    cdef fn_kernel f32, f64, untyped
    cdef int level_f32, level_f64, level_untyped

    def __cinit__(self, str name, str text):
        parsed = signature.parse(name, text)
        self.name, self.signature = name, text
        self.names = tuple(p.name for p in parsed.parameters)
        self.fixed, self.group = parsed.fixed, parsed.group
        self.parameters = <Parameter *>malloc((len(parsed.parameters) + 1) * sizeof(Parameter))
        self.program = <int64_t *>malloc((len(parsed.program) + 1) * 2 * sizeof(int64_t))
        if self.parameters is NULL or self.program is NULL:
            raise MemoryError()
        cdef int i
        for i, p in enumerate(parsed.parameters):
            self.parameters[i] = Parameter(ord(p.kind), TYPES[p.dtype] if p.dtype else 0, p.written, p.optional,
                                           p.start, p.length)
        for i, (operation, operand) in enumerate(parsed.program):
            self.program[2 * i], self.program[2 * i + 1] = operation, operand

    def __dealloc__(self):
        free(self.parameters)
        free(self.program)

    cdef Parameter *parameter(self, Py_ssize_t i) noexcept:
        return &self.parameters[i if i < self.fixed else self.fixed + (i - self.fixed) % self.group]

    cdef str describe(self, Py_ssize_t i):
        cdef Py_ssize_t k = i if i < self.fixed else self.fixed + (i - self.fixed) % self.group
        return f"[{self.name}] argument {i} '{self.names[k]}'"

    cdef int check_count(self, Py_ssize_t n) except -1:
        if n == self.fixed or (self.group and n > self.fixed and (n - self.fixed) % self.group == 0):
            return 0
        raise TypeError(f"[{self.name}] takes {self.fixed} arguments"
                        f"{f' and then groups of {self.group}' if self.group else ''}, received {n}: {self.signature}")

    cdef int read(self, Py_ssize_t i, object value, Parameter *p, fn_arg *out, int *own) except -1:
        """Puts argument i into out, checking everything but its extent; own is the type number of T, 0 if unknown yet."""
        cdef int overflow = 0
        cdef cnp.ndarray array
        cdef int typenum
        if p.kind == b'a':
            if value is None and p.optional:
                out.p = NULL
                return 0
            if not cnp.PyArray_Check(value):
                raise TypeError(f"{self.describe(i)} must be a NumPy array, received {type(value).__name__}")
            array = <cnp.ndarray>value
            typenum = cnp.PyArray_TYPE(array)
            if p.typenum == TYPE_T:
                if own[0] == 0 and (typenum == cnp.NPY_FLOAT or typenum == cnp.NPY_DOUBLE):
                    own[0] = typenum
                if typenum != own[0]:
                    raise TypeError(f"{self.describe(i)} must be an array of "
                                    f"{DTYPE_NAMES[own[0]] if own[0] else 'float32 or float64'}, received {array.dtype}")
            elif p.typenum != TYPE_ANY and not same_type(typenum, p.typenum):
                raise TypeError(f"{self.describe(i)} must be an array of {DTYPE_NAMES[p.typenum]}, "
                                f"received {array.dtype}")
            elif p.typenum == TYPE_ANY and not cnp.PyTypeNum_ISNUMBER(typenum) and typenum != cnp.NPY_BOOL:
                raise TypeError(f"{self.describe(i)} must be an array of numbers, received {array.dtype}")
            if not (cnp.PyArray_IS_C_CONTIGUOUS(array) and cnp.PyArray_ISALIGNED(array)
                    and cnp.PyArray_ISNOTSWAPPED(array)):
                raise ValueError(f"{self.describe(i)} must be C-contiguous, aligned and of native byte order: "
                                 "pass numpy.ascontiguousarray(array)")
            if p.written and not cnp.PyArray_ISWRITEABLE(array):
                raise ValueError(f"{self.describe(i)} is written by the kernel, but the array is read-only: "
                                 "pass a copy")
            out.p = cnp.PyArray_DATA(array)
        elif p.kind == b'f':
            if not isinstance(value, (float, int)):
                raise TypeError(f"{self.describe(i)} must be a number, received {type(value).__name__}")
            out.f = value
        else:
            if not isinstance(value, int):
                value = value.__index__() if hasattr(value, "__index__") else None
                if value is None:
                    raise TypeError(f"{self.describe(i)} must be an integer")
            out.i = PyLong_AsLongLongAndOverflow(value, &overflow)
            if overflow or (p.kind != b'i' and out.i < (1 if p.kind == b'p' else 0)):
                raise ValueError(f"{self.describe(i)} must be {'>= 1' if p.kind == b'p' else '>= 0'} "
                                 f"and fit 64 bits, received {value}" if p.kind != b'i'
                                 else f"{self.describe(i)} must fit 64 bits, received {value}")
        return 0

    cdef int check_extent(self, Py_ssize_t i, object value, Parameter *p, fn_arg *args) except -1:
        cdef int64_t stack[STACK]
        cdef int top = 0, k, bad = 0
        cdef int64_t operation, operand, held
        cdef Py_ssize_t base = i - (i - self.fixed) % self.group if i >= self.fixed else 0
        for k in range(p.code, p.code + p.length):
            operation, operand = self.program[2 * k], self.program[2 * k + 1]
            if operation == PUSH_NUMBER:
                stack[top] = operand
                top += 1
            elif operation == PUSH_ARGUMENT:
                stack[top] = args[operand].i
                top += 1
            elif operation == PUSH_IN_GROUP:
                stack[top] = args[base + operand].i
                top += 1
            else:
                top -= 1
                if operation == ADD:
                    bad |= fn_add(stack[top - 1], stack[top], &stack[top - 1])
                elif operation == SUBTRACT:
                    bad |= fn_sub(stack[top - 1], stack[top], &stack[top - 1])
                else:
                    bad |= fn_mul(stack[top - 1], stack[top], &stack[top - 1])
        held = cnp.PyArray_NBYTES(<cnp.ndarray>value) if p.typenum == TYPE_ANY else cnp.PyArray_SIZE(<cnp.ndarray>value)
        if bad or stack[0] > held:
            raise ValueError(f"{self.describe(i)} holds {held} {'bytes' if p.typenum == TYPE_ANY else 'elements'}, "
                             f"but the sizes given ask for {'more than 2**63' if bad else stack[0]}: {self.signature}")
        return 0

    cdef fn_kernel check(self, tuple args, fn_arg *a) except NULL:
        """Holds arguments against the signature, and puts them into a; the variant for their dtype."""
        cdef Py_ssize_t i
        cdef int own = 0
        cdef fn_kernel call
        cdef Parameter *p
        for i in range(len(args)):
            self.read(i, args[i], self.parameter(i), &a[i], &own)
        for i in range(len(args)):
            p = self.parameter(i)
            if p.code >= 0 and a[i].p is not NULL:
                self.check_extent(i, args[i], p, a)
        return self.variant(own)

    cdef fn_kernel variant(self, int own) except NULL:
        """The function for arrays `T` of this type number, 0 if there are none."""
        cdef fn_kernel call = self.untyped if own == 0 else self.f32 if own == cnp.NPY_FLOAT else self.f64
        if call is NULL:
            raise TypeError(f"[{self.name}] has no kernel for {DTYPE_NAMES[own] if own else 'integers alone'}")
        return call

    cdef int run(self, tuple args) except -1:
        cdef fn_arg inline[INLINE_ARGS]
        cdef fn_arg *a = inline
        cdef Py_ssize_t n = len(args)
        cdef int status
        cdef unsigned before
        cdef int64_t start = 0, end = 0
        cdef bint timed = recordings and records_this_thread()
        cdef fn_kernel call
        self.check_count(n)
        if n > INLINE_ARGS:
            a = <fn_arg *>malloc(n * sizeof(fn_arg))
            if a is NULL:
                raise MemoryError()
        try:
            call = self.check(args, a)
            with nogil:
                before = fn_flush_denormals()
                if timed:
                    start = fn_nanoseconds()
                status = call(a, n)
                if timed:
                    end = fn_nanoseconds()
                fn_restore_denormals(before)
        finally:
            if n > INLINE_ARGS:
                free(a)
        if status != FN_OK:
            self.fail(status, fn_last_bad_index())
        if timed:
            note(self.name, args, start, end)
        return 0

    cdef fail(self, int status, const int64_t *bad):
        if status == FN_BAD_INDEX:
            raise BadIndex(self.name, bad[0], bad[1], bad[2])
        raise MemoryError(f"[{self.name}] no memory for the kernel's scratch buffers: use smaller batches")


cdef inline bint same_type(int typenum, int wanted) noexcept:
    """Type numbers name C types: int64 may be long or long long, and bool is stored as uint8."""
    if typenum == wanted:
        return True
    if wanted == cnp.NPY_UINT8:
        return typenum == cnp.NPY_BOOL
    if wanted == cnp.NPY_INT64:
        return typenum == cnp.NPY_LONGLONG or (sizeof(long) == 8 and typenum == cnp.NPY_LONG)
    if wanted == cnp.NPY_UINT64:
        return typenum == cnp.NPY_ULONGLONG or (sizeof(long) == 8 and typenum == cnp.NPY_ULONG)
    return False


cdef dict TYPES = {"T": TYPE_T, "any": TYPE_ANY, "f32": cnp.NPY_FLOAT, "f64": cnp.NPY_DOUBLE,
                   "i8": cnp.NPY_INT8, "u8": cnp.NPY_UINT8, "i16": cnp.NPY_INT16, "u16": cnp.NPY_UINT16,
                   "i32": cnp.NPY_INT32, "u32": cnp.NPY_UINT32, "i64": cnp.NPY_INT64, "u64": cnp.NPY_UINT64}

cdef dict DTYPES = {"float32": cnp.NPY_FLOAT, "float64": cnp.NPY_DOUBLE, "bool": cnp.NPY_BOOL,
                    "int8": cnp.NPY_INT8, "uint8": cnp.NPY_UINT8, "int16": cnp.NPY_INT16, "uint16": cnp.NPY_UINT16,
                    "int32": cnp.NPY_INT32, "uint32": cnp.NPY_UINT32, "int64": cnp.NPY_INT64,
                    "uint64": cnp.NPY_UINT64}

cdef dict SIZES = {"float32": 4, "float64": 8, "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2,
                   "int32": 4, "uint32": 4, "int64": 8, "uint64": 8}

DTYPE_NAMES = {number: name for name, number in DTYPES.items()}
DTYPE_NAMES.setdefault(cnp.NPY_LONGLONG, "int64")
DTYPE_NAMES.setdefault(cnp.NPY_ULONGLONG, "uint64")


# ---- The table --------------------------------------------------------------------------------------------------

LEVELS = tuple(fn_level_names[i].decode() for i in range(5))


def machine_levels():
    """The instruction sets that this machine can run, of `LEVELS`, "ref" first."""
    best = LEVELS[fn_best_level()]
    return [level for level in LEVELS[:fn_best_level() + 1] if (level == "neon") == (best == "neon") or level == "ref"]


def machine_level():
    """The instruction set to use, of `LEVELS`: the machine's best, or what FASTNN_CPU asks for."""
    asked, can = os.environ.get("FASTNN_CPU"), machine_levels()
    if asked is None:
        return LEVELS[fn_best_level()]
    if asked not in can:
        raise ImportError(f"FASTNN_CPU={asked!r}: this machine can run {', '.join(can)}")
    return asked


cdef dict signatures():
    found = {}
    for i in range(fn_entries()):
        if fn_entry_at(i).signature is not NULL:
            name, text = fn_entry_at(i).name.decode(), fn_entry_at(i).signature.decode()
            if found.setdefault(name, text) != text:
                raise ImportError(f"two reference kernels are called {name!r}: {found[name]!r} and {text!r}")
    return found


cdef dict make_table(dict texts, int level):
    """The best variant of each kernel that runs on that level, by name."""
    cdef Kernel k
    cdef const fn_entry *e
    table = {name: Kernel(name, text) for name, text in texts.items()}
    for i in range(fn_entries()):
        e = fn_entry_at(i)
        if e.level > level or (LEVELS[e.level] == "neon" and LEVELS[level] != "neon"):
            continue
        k = table[e.name.decode()]
        if e.dtype == b'f':
            if k.f32 is NULL or e.level > k.level_f32:
                k.f32, k.level_f32 = e.call, e.level
        elif e.dtype == b'd':
            if k.f64 is NULL or e.level > k.level_f64:
                k.f64, k.level_f64 = e.call, e.level
        elif k.untyped is NULL or e.level > k.level_untyped:
            k.untyped, k.level_untyped = e.call, e.level
    return table


LEVEL = machine_level()
cdef dict SIGNATURES = signatures()
cdef dict KERNELS = make_table(SIGNATURES, LEVELS.index(LEVEL))
cdef dict TABLES = {LEVEL: KERNELS}     # of other levels, made when launch_at asks


def launch(str name, tuple args):
    """Runs a kernel with the global lock released.

    Args:
        name: the kernel's name; its variant is chosen by the dtype of its first `T` array.
        args: arrays (C-contiguous), integers and floats in the order of the kernel's signature.

    Raises:
        TypeError, ValueError: arguments that the signature does not allow.
        BadIndex: an index array points outside.
        MemoryError: no memory for scratch buffers.
    """
    cdef Kernel k = KERNELS.get(name)
    if k is None:
        raise ValueError(f"there is no kernel {name!r}")
    k.run(args)


@cython.no_gc       # the collector would let go of arrays that a call still writes
cdef class Later:
    """A kernel that runs in the background, and the arrays it works on: see `launch_later`.

    Given up without `wait`, it waits when it is deleted.
    """
    cdef fn_later job
    cdef Kernel kernel
    cdef tuple args

    def wait(self):
        """Returns when the kernel has run, and raises what `launch` would have raised."""
        if self.args is not None:
            with nogil:
                fn_later_wait(&self.job)
            self.args = None
        if self.job.status != FN_OK:
            self.kernel.fail(self.job.status, self.job.bad)

    def __dealloc__(self):
        with nogil:
            fn_later_wait(&self.job)
        free(self.job.args)


def launch_later(str name, tuple args):
    """As `launch`, on a thread in the background; arguments are checked now.

    Nothing that the kernel writes may be read, and nothing that it reads written, before `wait` has returned.  Inside a
    `recording` the kernel runs at once.

    Returns:
        A Later, whose `wait()` returns when the kernel has run.

    Example:
        >>> x, y = np.array([-1.0, 2.0]), np.zeros(2)
        >>> later = launch_later("relu", (x, y, x.size))
        >>> later.wait()
        >>> y.tolist()
        [0.0, 2.0]
    """
    cdef Kernel k = KERNELS.get(name)
    cdef Later later = Later.__new__(Later)
    if k is None:
        raise ValueError(f"there is no kernel {name!r}")
    if recordings and records_this_thread():
        k.run(args)
        return later
    k.check_count(len(args))
    later.job.args = <fn_arg *>malloc((len(args) + 1) * sizeof(fn_arg))
    if later.job.args is NULL:
        raise MemoryError()
    later.job.call, later.job.count = k.check(args, later.job.args), len(args)
    later.kernel, later.args = k, args
    fn_later_begin(&later.job)
    return later


include "plan.pxi"


def launch_at(str level, str name, tuple args):
    """As `launch`, with the variants that run on `level` ("ref", "v2", "v3", "v4", "neon"): for tests."""
    if level not in TABLES:
        if level not in LEVELS or LEVELS.index(level) > fn_best_level():
            raise ValueError(f"level {level!r}: this machine has {LEVELS[:fn_best_level() + 1]}")
        TABLES[level] = make_table(SIGNATURES, LEVELS.index(level))
    cdef Kernel k = TABLES[level].get(name)
    if k is None:
        raise ValueError(f"there is no kernel {name!r}")
    k.run(args)


def kernels():
    """The signature of every kernel, by name."""
    return dict(SIGNATURES)


def levels(str name):
    """The levels that have a float variant (or an untyped one) of the kernel, "ref" first."""
    found = {fn_entry_at(i).level for i in range(fn_entries())
             if fn_entry_at(i).name.decode() == name and fn_entry_at(i).dtype != b'd'}
    return tuple(LEVELS[level] for level in sorted(found))


def tuned():
    """The names that a tuned kernel carries: each must have a reference."""
    return {fn_entry_at(i).name.decode() for i in range(fn_entries()) if fn_entry_at(i).level}


# ---- Recording --------------------------------------------------------------------------------------------------

cdef int recordings = 0             # open in the whole process: all that a launch looks at while there are none
cdef object recorders = threading.local()


cdef class Call:
    """One launch: the kernel's name, its arguments (None where they are not kept), when it began and how long it ran (ns)."""
    cdef readonly str name
    cdef readonly tuple args
    cdef readonly int64_t start, ns

    def __repr__(self):
        return f"<Call {self.name} {self.ns / 1000:.1f} us>"


class recording:
    """Records the launches of this thread inside a `with` block, as a list of `Call`s.

    Args:
        keep_args: whether calls hold their arguments, and so keep arrays alive that the step would have given back.
        calls: what each call is appended to as soon as its kernel has run; by default a new list.
        blocks: list to which a weak reference to the memory of each new tensor is appended; None: nobody asks.

    Example:
        >>> x, y = np.array([-1.0, 2.0]), np.zeros(2)
        >>> with recording() as calls:
        ...     launch("relu", (x, y, x.size))
        >>> [call.name for call in calls]
        ['relu']
    """

    def __init__(self, keep_args=True, calls=None, blocks=None):
        self.calls, self.keep_args, self.blocks = [] if calls is None else calls, keep_args, blocks

    def __enter__(self):
        global recordings
        self.outer, recorders.current = getattr(recorders, "current", None), self
        recordings += 1
        return self.calls

    def __exit__(self, *exception):
        global recordings
        recordings -= 1
        recorders.current = self.outer


def recorder():
    """The list (or what stands for it) that launches of this thread are appended to; None if nobody records."""
    if not recordings or not records_this_thread():
        return None
    return recorders.current.calls


class unrecorded:
    """A `with` block whose launches and tensors no recording notes: for what is made once and kept."""

    def __enter__(self):
        self.outer, recorders.current = getattr(recorders, "current", None), None

    def __exit__(self, *exception):
        recorders.current = self.outer


def nanoseconds():
    """The clock that calls are timed with."""
    return fn_nanoseconds()


cdef bint records_this_thread():
    return getattr(recorders, "current", None) is not None


cdef note(str name, tuple args, int64_t start, int64_t end):
    cdef Call call = Call.__new__(Call)
    recorder = recorders.current
    call.name, call.start, call.ns = name, start, end - start
    call.args = args if recorder.keep_args else None
    recorder.calls.append(call)


# ---- Memory -----------------------------------------------------------------------------------------------------

cdef int64_t last_serial = 0        # of recorded blocks


cdef class Block:
    """Memory of one array, given back to the allocator with the last array that looks into it."""
    cdef void *p
    cdef readonly size_t bytes
    cdef readonly int64_t serial    # counts the blocks that are recorded; 0 where nobody records
    cdef object __weakref__

    def __dealloc__(self):
        fn_free(self.p, self.bytes)


def empty(tuple shape, str dtype):
    """A new C-contiguous NumPy array, 64-byte aligned, contents undefined, from memory that is used again."""
    cdef cnp.npy_intp dims[32]
    cdef int typenum = DTYPES[dtype], i, nd = len(shape)
    cdef int64_t count = 1
    cdef Block block
    cdef cnp.ndarray array
    if nd > 32:
        raise ValueError(f"at most 32 dimensions, received {nd}")
    for i in range(nd):
        dims[i] = shape[i]
        if dims[i] < 0 or fn_mul(count, dims[i], &count):
            raise ValueError(f"impossible shape {shape}")
    if fn_mul(count, SIZES[dtype], &count):
        raise ValueError(f"impossible shape {shape}")
    block = Block.__new__(Block)
    block.bytes, block.serial = count, 0
    block.p = fn_alloc(count)
    if block.p is NULL:
        raise MemoryError(f"no memory for an array of shape {shape} and dtype {dtype} ({count / 2**20:.0f} MB): "
                          "use smaller batches or a smaller network")
    array = cnp.PyArray_SimpleNewFromData(nd, dims, typenum, block.p)
    Py_INCREF(block)
    cnp.PyArray_SetBaseObject(array, block)
    if recordings and records_this_thread() and recorders.current.blocks is not None:
        block.serial = next_serial()
        recorders.current.blocks.append(weakref.ref(block))
    return array


def next_serial():
    """A number above those of all blocks that were recorded, and below those that will be."""
    global last_serial
    last_serial += 1
    return last_serial


def locate(cnp.ndarray array not None):
    """Where an array lies: (the object that owns its memory, a Block or whatever NumPy had it from; its address)."""
    cdef object owner = array
    while isinstance(owner, cnp.ndarray) and cnp.PyArray_BASE(<cnp.ndarray>owner) is not NULL:
        owner = <object>cnp.PyArray_BASE(<cnp.ndarray>owner)
    return owner, <size_t>cnp.PyArray_DATA(array)


def block_address(Block block not None):
    """Where a block begins."""
    return <size_t>block.p


def memory():
    """Bytes that tensors use now, and bytes kept for the next ones: (live, idle)."""
    cdef fn_memory_use use = fn_memory()
    return use.live, use.idle


def release_memory():
    """Gives the memory that is kept for later tensors back to the system."""
    fn_release_idle()


# ---- Threads ----------------------------------------------------------------------------------------------------

def set_num_threads(int threads):
    with nogil:
        fn_set_threads(threads)


def get_num_threads():
    return fn_get_threads()
