package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/state"
	"github.com/cosi-project/runtime/pkg/state/impl/inmem"
	"github.com/cosi-project/runtime/pkg/state/impl/store"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// etcdState keeps COSI resources in etcd with COSI's own marshaler and errors and etcd's own client, in
// the layout of state-etcd: one request for a read, a transaction for a create, a read and a transaction
// for an update or a destroy.
type etcdState struct {
	client *clientv3.Client
	codec  store.ProtobufMarshaler
	prefix string
}

var _ state.CoreState = (*etcdState)(nil)

func (s *etcdState) folder(kind resource.Kind) string {
	return strings.Join([]string{s.prefix, url.PathEscape(kind.Namespace()), url.PathEscape(kind.Type()), ""}, "/")
}

func (s *etcdState) key(pointer resource.Pointer) string {
	digest := sha256.Sum256([]byte(pointer.ID()))

	return s.folder(pointer) + hex.EncodeToString(digest[:])
}

func (s *etcdState) decode(kv *mvccpb.KeyValue) (resource.Resource, error) {
	res, err := s.codec.UnmarshalResource(kv.Value)
	if err != nil {
		return nil, err
	}

	version, err := resource.ParseVersion(fmt.Sprint(kv.Version))
	if err != nil {
		return nil, err
	}

	res.Metadata().SetVersion(version)

	return res, nil
}

func (s *etcdState) read(ctx context.Context, pointer resource.Pointer) (resource.Resource, int64, error) {
	found, err := s.client.Get(ctx, s.key(pointer))
	if err != nil {
		return nil, 0, err
	}

	if len(found.Kvs) == 0 {
		return nil, found.Header.Revision, inmem.ErrNotFound(pointer)
	}

	res, err := s.decode(found.Kvs[0])

	return res, found.Header.Revision, err
}

func (s *etcdState) Get(ctx context.Context, pointer resource.Pointer, _ ...state.GetOption) (resource.Resource, error) {
	res, _, err := s.read(ctx, pointer)

	return res, err
}

func (s *etcdState) contents(
	ctx context.Context, kind resource.Kind, labels resource.LabelQueries, ids resource.IDQuery,
) ([]resource.Resource, int64, error) {
	found, err := s.client.Get(ctx, s.folder(kind), clientv3.WithPrefix())
	if err != nil {
		return nil, 0, err
	}

	every := make([]resource.Resource, 0, len(found.Kvs))

	for _, kv := range found.Kvs {
		res, err := s.decode(kv)
		if err != nil {
			return nil, 0, err
		}

		if labels.Matches(*res.Metadata().Labels()) && ids.Matches(*res.Metadata()) {
			every = append(every, res)
		}
	}

	slices.SortFunc(every, func(a, b resource.Resource) int { return strings.Compare(a.Metadata().ID(), b.Metadata().ID()) })

	return every, found.Header.Revision, nil
}

func (s *etcdState) List(ctx context.Context, kind resource.Kind, opts ...state.ListOption) (resource.List, error) {
	var options state.ListOptions
	for _, opt := range opts {
		opt(&options)
	}

	every, _, err := s.contents(ctx, kind, options.LabelQueries, options.IDQuery)

	return resource.List{Items: every}, err
}

// write puts the resource if the key has the version, and sets the resource's new version.
func (s *etcdState) write(ctx context.Context, res resource.Resource, version int64) (bool, error) {
	data, err := s.codec.MarshalResource(res)
	if err != nil {
		return false, err
	}

	key := s.key(res.Metadata())

	done, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.Version(key), "=", version)).
		Then(clientv3.OpPut(key, string(data)), clientv3.OpGet(key)).
		Commit()
	if err != nil || !done.Succeeded {
		return false, err
	}

	now, err := resource.ParseVersion(fmt.Sprint(done.Responses[1].GetResponseRange().Kvs[0].Version))
	if err != nil {
		return false, err
	}

	res.Metadata().SetVersion(now)

	return true, nil
}

func (s *etcdState) Create(ctx context.Context, res resource.Resource, opts ...state.CreateOption) error {
	var options state.CreateOptions
	for _, opt := range opts {
		opt(&options)
	}

	stored := res.DeepCopy()

	if err := stored.Metadata().SetOwner(options.Owner); err != nil {
		return err
	}

	stored.Metadata().SetCreated(time.Now())

	written, err := s.write(ctx, stored, 0)
	if err != nil {
		return err
	}

	if !written {
		return inmem.ErrAlreadyExists(stored.Metadata())
	}

	*res.Metadata() = *stored.Metadata()

	return nil
}

func (s *etcdState) Update(ctx context.Context, res resource.Resource, opts ...state.UpdateOption) error {
	options := state.DefaultUpdateOptions()
	for _, opt := range opts {
		opt(&options)
	}

	old, _, err := s.read(ctx, res.Metadata())
	if err != nil {
		return err
	}

	held, wanted := old.Metadata(), res.Metadata().Version()

	switch {
	case held.Owner() != options.Owner:
		return inmem.ErrOwnerConflict(held, held.Owner())
	case !held.Version().Equal(wanted):
		return inmem.ErrVersionConflict(held, wanted, held.Version())
	case options.ExpectedPhase != nil && held.Phase() != *options.ExpectedPhase:
		return inmem.ErrPhaseConflict(held, *options.ExpectedPhase)
	}

	stored := res.DeepCopy()
	stored.Metadata().SetCreated(held.Created())
	stored.Metadata().SetUpdated(time.Now())

	written, err := s.write(ctx, stored, int64(wanted.Value()))
	if err != nil {
		return err
	}

	if !written {
		return inmem.ErrVersionConflict(held, wanted, wanted.Next())
	}

	*res.Metadata() = *stored.Metadata()

	return nil
}

func (s *etcdState) Destroy(ctx context.Context, pointer resource.Pointer, opts ...state.DestroyOption) error {
	var options state.DestroyOptions
	for _, opt := range opts {
		opt(&options)
	}

	old, _, err := s.read(ctx, pointer)
	if err != nil {
		return err
	}

	held := old.Metadata()

	switch {
	case held.Owner() != options.Owner:
		return inmem.ErrOwnerConflict(held, held.Owner())
	case !held.Finalizers().Empty():
		return inmem.ErrPendingFinalizers(*held)
	}

	key := s.key(pointer)

	done, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.Version(key), "=", int64(held.Version().Value()))).
		Then(clientv3.OpDelete(key)).
		Commit()
	if err != nil {
		return err
	}

	if !done.Succeeded {
		return inmem.ErrVersionConflict(held, held.Version(), held.Version().Next())
	}

	return nil
}

func bookmark(revision int64) state.Bookmark {
	return binary.BigEndian.AppendUint64(nil, uint64(revision))
}

func (s *etcdState) event(change *clientv3.Event) (state.Event, error) {
	told := state.Event{Bookmark: bookmark(change.Kv.ModRevision)}

	var err error

	if change.PrevKv != nil {
		if told.Old, err = s.decode(change.PrevKv); err != nil {
			return told, err
		}
	}

	switch {
	case change.Type == clientv3.EventTypeDelete:
		told.Type, told.Resource, told.Old = state.Destroyed, told.Old, nil
	case change.IsCreate():
		told.Type = state.Created
		told.Resource, err = s.decode(change.Kv)
	default:
		told.Type = state.Updated
		told.Resource, err = s.decode(change.Kv)
	}

	return told, err
}

// follow sends the head and then what happens to a key or a folder after a revision, until the context ends.
func (s *etcdState) follow(ctx context.Context, head []state.Event, key string, after int64, send func([]state.Event), opts ...clientv3.OpOption) {
	changes := s.client.Watch(clientv3.WithRequireLeader(ctx), key,
		append(opts, clientv3.WithPrevKV(), clientv3.WithFragment(), clientv3.WithRev(after+1))...)

	go func() {
		if len(head) > 0 {
			send(head)
		}

		for answer := range changes {
			if err := answer.Err(); err != nil && ctx.Err() == nil {
				send([]state.Event{{Type: state.Errored, Error: err}})

				return
			}

			told := make([]state.Event, 0, len(answer.Events))

			for _, change := range answer.Events {
				event, err := s.event(change)
				if err != nil {
					event = state.Event{Type: state.Errored, Error: err}
				}

				told = append(told, event)
			}

			if len(told) > 0 {
				send(told)
			}
		}
	}()
}

func singly(ctx context.Context, ch chan<- state.Event) func([]state.Event) {
	return func(events []state.Event) {
		for _, event := range events {
			select {
			case ch <- event:
			case <-ctx.Done():
				return
			}
		}
	}
}

var errOption = errors.New("this program has no such option")

func (s *etcdState) Watch(ctx context.Context, pointer resource.Pointer, ch chan<- state.Event, _ ...state.WatchOption) error {
	first := state.Event{Type: state.Created}

	res, revision, err := s.read(ctx, pointer)
	if state.IsNotFoundError(err) {
		first.Type, err = state.Destroyed, nil
		first.Resource = resource.NewTombstone(
			resource.NewMetadata(pointer.Namespace(), pointer.Type(), pointer.ID(), resource.VersionUndefined))
	} else {
		first.Resource = res
	}

	if err != nil {
		return err
	}

	s.follow(ctx, []state.Event{first}, s.key(pointer), revision, singly(ctx, ch))

	return nil
}

func (s *etcdState) watchKind(ctx context.Context, kind resource.Kind, send func([]state.Event), opts []state.WatchKindOption) error {
	var options state.WatchKindOptions
	for _, opt := range opts {
		opt(&options)
	}

	if options.TailEvents > 0 || len(options.LabelQueries) > 0 {
		return errOption
	}

	if mark := options.StartFromBookmark; mark != nil {
		s.follow(ctx, nil, s.folder(kind), int64(binary.BigEndian.Uint64(mark)), send, clientv3.WithPrefix())

		return nil
	}

	every, revision, err := s.contents(ctx, kind, nil, resource.IDQuery{})
	if err != nil {
		return err
	}

	var head []state.Event

	if options.BootstrapBookmark {
		head = append(head, state.Event{Type: state.Noop, Bookmark: bookmark(revision)})
	}

	if options.BootstrapContents {
		for _, res := range every {
			head = append(head, state.Event{Type: state.Created, Resource: res})
		}

		end := resource.NewTombstone(resource.NewMetadata(kind.Namespace(), kind.Type(), "", resource.VersionUndefined))
		head = append(head, state.Event{Type: state.Bootstrapped, Resource: end, Bookmark: bookmark(revision)})
	}

	s.follow(ctx, head, s.folder(kind), revision, send, clientv3.WithPrefix())

	return nil
}

func (s *etcdState) WatchKind(ctx context.Context, kind resource.Kind, ch chan<- state.Event, opts ...state.WatchKindOption) error {
	return s.watchKind(ctx, kind, singly(ctx, ch), opts)
}

func (s *etcdState) WatchKindAggregated(ctx context.Context, kind resource.Kind, ch chan<- []state.Event, opts ...state.WatchKindOption) error {
	return s.watchKind(ctx, kind, func(events []state.Event) {
		select {
		case ch <- events:
		case <-ctx.Done():
		}
	}, opts)
}
