# How Cython compiles op.py: what every call of an op reads lies in a C structure instead of a dictionary.
cdef class Op:
    cdef public object name, family, spec, cpu, view, vjp, cases, flops, picks, promote, logits
    cdef public tuple outputs, inputs, kernel_attributes, updates
    cdef public dict attributes, defaults
    cdef public bint variadic, kernel_takes_all
    cdef public int least
    cdef object _saves, _sources
    cdef dict __dict__
    cdef object __weakref__
    cdef _run(self, inputs, dict attrs)
    cpdef _compute(self, inputs, dict attrs)
