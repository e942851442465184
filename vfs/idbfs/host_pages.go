//go:build js && wasm && varve_host

package idbfs

import (
	"strings"
	"syscall/js"
	"unsafe"
)

// A call through syscall/js costs about what a small request costs, so that the hot paths, adding
// records and reading pages, are carried out by functions of the host. They take a table of
//
//	key      float64
//	address  uint32, of the record's bytes
//	length   uint32; the host sets it to missing if it has no record of that length
//
// and return at once. When records are committed or pages are there, the host calls varve_idb_done.
// Until then it keeps addresses, no views, and Go keeps the memory in place. Pages that are asked for
// while Go is told of others come in the same transaction, for a while.

//go:wasmimport varve idb_commit
func hostCommit(ticket, conn, strict uint32, table unsafe.Pointer, count uint32)

// hostRead returns how many transactions it tried to begin: none if it goes on in one.
//
//go:wasmimport varve idb_read
func hostRead(ticket, conn uint32, table unsafe.Pointer, count uint32) uint32

// hostReason copies the name and the message of a failure, parted by a line feed.
//
//go:wasmimport varve idb_reason
func hostReason(ticket uint32, buffer unsafe.Pointer, size uint32) uint32

// hostTransfer is a row of the table.
type hostTransfer struct {
	key     float64
	address uint32
	length  uint32
}

const missing = 1<<32 - 1

// tickets are the calls that were ever under way at once; free are those that are not now. Only
// one goroutine runs at a time, and an export runs while none does.
var (
	tickets []chan bool
	free    []uint32
)

//go:wasmexport varve_idb_done
func hostDone(ticket, ok uint32) { tickets[ticket] <- ok != 0 }

// takeTicket returns the number of a call, whose channel has room for its outcome.
func takeTicket() uint32 {
	if n := len(free); n > 0 {
		ticket := free[n-1]
		free = free[:n-1]
		return ticket
	}
	tickets = append(tickets, make(chan bool, 1))
	return uint32(len(tickets) - 1)
}

// hostPages is a pageStore whose hot paths the host carries out.
type hostPages struct {
	*database
	conn   js.Value // that number stands for
	number uint32
}

func newPageStore(db *database) pageStore { return &hostPages{database: db} }

// connections is the array in which the host finds the connection that a number stands for.
func connections() js.Value {
	global := js.Global()
	return global.Get("Reflect").Call("get", global, global.Get("Symbol").Call("for", "varve.connections"))
}

// use makes conn known to the host, and returns its number.
func (h *hostPages) use(conn js.Value) uint32 {
	if !conn.Equal(h.conn) {
		h.forget()
		h.conn = conn
		h.number = uint32(connections().Call("push", conn).Int() - 1)
	}
	return h.number
}

func (h *hostPages) forget() {
	if h.conn.Truthy() {
		connections().SetIndex(int(h.number), js.Undefined())
		h.conn = js.Undefined()
	}
}

func (h *hostPages) close() {
	h.forget()
	h.database.close()
}

// await returns how the host's transaction ended.
func (h *hostPages) await(ticket uint32) error {
	ok := <-tickets[ticket]
	defer func() { free = append(free, ticket) }()
	if ok {
		return nil
	}
	reason := make([]byte, 1024)
	n := hostReason(ticket, unsafe.Pointer(unsafe.SliceData(reason)), uint32(len(reason)))
	name, message, _ := strings.Cut(string(reason[:n]), "\n")
	return &exception{name: name, message: message}
}

func (h *hostPages) commit(w *writes) error {
	if len(w.entries)+len(w.deleted) > 0 || w.touch {
		return h.database.commit(w)
	}
	return h.commitBy(h.commitRecords, w)
}

func (h *hostPages) commitRecords(conn js.Value, w *writes) error {
	table := make([]hostTransfer, len(w.records))
	for i, r := range w.records {
		table[i] = newTransfer(r.key, r.data)
	}
	strict := uint32(0)
	if w.strict {
		strict = 1
	}
	ticket := takeTicket()
	hostCommit(ticket, h.use(conn), strict, unsafe.Pointer(unsafe.SliceData(table)), uint32(len(table)))
	return h.await(ticket)
}

func (h *hostPages) readPages(reads []pageRead) (transactions int64, err error) {
	err = h.retrying(func(conn js.Value, _ bool) error {
		table := make([]hostTransfer, len(reads))
		for i, r := range reads {
			table[i] = newTransfer(r.key, r.dest)
		}
		ticket := takeTicket()
		transactions += int64(hostRead(ticket, h.use(conn), unsafe.Pointer(unsafe.SliceData(table)), uint32(len(table))))
		if err := h.await(ticket); err != nil {
			return err
		}
		for i := range reads {
			if table[i].length == missing {
				reads[i].miss()
			}
		}
		return nil
	})
	return transactions, err
}

func newTransfer(key int64, data []byte) hostTransfer {
	return hostTransfer{
		key:     float64(key),
		address: uint32(uintptr(unsafe.Pointer(unsafe.SliceData(data)))),
		length:  uint32(len(data)),
	}
}
