"""A profile in the form of trace viewers: spans of time, with names."""
import itertools


def trace_of(profile):
    """What `Profile.trace` gives."""
    spans, now = [], 0.0
    for row in profile.rows:
        spans.append((now + row.wait_us, row.us, row))
        now += row.wait_us + row.us
    events = [{"ph": "M", "pid": 0, "name": "process_name", "args": {"name": f'{profile.name}, {profile.samples} samples'}},
              {"ph": "M", "pid": 0, "tid": 0, "name": "thread_name", "args": {"name": "layers"}},
              {"ph": "M", "pid": 0, "tid": 1, "name": "thread_name", "args": {"name": "kernels"}}]
    for (path, phase), some in itertools.groupby(spans, lambda span: (span[2].path, span[2].phase)):
        some = list(some)
        start = some[0][0]
        events.append(span(path if path == phase else f"{path} {phase}", phase, 0, start, some[-1][0] + some[-1][1] - start))
    for start, us, row in spans:
        events.append({**span(row.op, row.phase, 1, start, us), "args": {"kernel": row.kernel, "layer": row.path, "shapes": row.shapes,
                                                                          "flops": int(row.flops), "bytes": int(row.bytes)}})
    return {"traceEvents": events, "displayTimeUnit": "ns"}


def span(name, kind, line, start, us):
    return {"ph": "X", "pid": 0, "tid": line, "name": name, "cat": kind, "ts": round(start, 3), "dur": round(us, 3)}
