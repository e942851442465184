package main

import "strings"

// emptyTracer empties the functions of the runtime's execution tracer, unless the program has
// StartTrace: nothing else turns tracing on. What is called while it is off stays.
func (m *module) emptyTracer(t *tables) error {
	records, err := t.records()
	if err != nil {
		return err
	}
	if len(records) != len(m.functions) {
		return errMalformed
	}
	names := newNames(t.names)
	tracing, inRuntime := make([]bool, len(records)), make([]bool, len(records))
	for i, r := range records {
		name, err := names.name(order.Uint32(r[nameAt:]))
		if err != nil {
			return err
		}
		if name == "runtime.StartTrace" {
			return nil
		}
		tracing[i], inRuntime[i] = isTracing(name), strings.HasPrefix(name, "runtime.")
	}
	m.closeOver(tracing, inRuntime)
	for i, f := range m.functions {
		if tracing[i] {
			f.locals, f.code = nil, []instruction{{op: opUnreachable}, {op: opEnd, block: whole}}
		}
	}
	return nil
}

// isTracing tells whether the runtime calls a function only when it has found that it traces. A
// traceLocker's methods need what only traceAcquireEnabled gives, but for the one that asks for it.
func isTracing(name string) bool {
	method, ok := strings.CutPrefix(name, "runtime.traceLocker.")
	return ok && method != "ok" || name == "runtime.traceAcquireEnabled" || name == "runtime.traceAdvance"
}

// closeOver adds to a set of functions those that only they use.
func (m *module) closeOver(set, candidates []bool) {
	users := m.users()
	for grown := true; grown; {
		grown = false
		for i := range set {
			if set[i] || !candidates[i] || len(users[i]) == 0 {
				continue
			}
			set[i] = true
			for user := range users[i] {
				if user == inData || !set[user] {
					set[i] = false
				}
			}
			grown = grown || set[i]
		}
	}
}

// inData stands for the data as a user of functions.
const inData = -1

// users returns for each function who else calls it or has its program counter.
func (m *module) users() []map[int]bool {
	users := make([]map[int]bool, len(m.functions))
	add := func(user, used int) {
		if used < 0 || used >= len(users) || used == user {
			return
		}
		if users[used] == nil {
			users[used] = map[int]bool{}
		}
		users[used][user] = true
	}
	for i, f := range m.functions {
		for _, in := range f.code {
			switch in.op {
			case opCall:
				add(i, int(in.a)-m.imports)
			case opI64Const:
				add(i, int(in.a/blocks)-firstPC)
			}
		}
	}
	for at := 0; at+8 <= len(m.memory); at += 8 {
		if word := order.Uint64(m.memory[at:]); word < uint64(pcOf(len(users))) {
			add(inData, int(word/blocks)-firstPC)
		}
	}
	return users
}
