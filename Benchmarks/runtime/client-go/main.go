// The peer: the same six objects and status for each widget, on client-go as its own controllers use it.
//
// Shared informers on what it owns (selected by label), a rate-limited work queue, server-side apply, and no
// write where the cache already shows what is wanted.
//
// usage: widget-operator LATENCY_FILE
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	metav1apply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const (
	changedAnnotation = "bench.example.com/changed"
	label             = "bench.example.com/widget"
	workers           = 10
)

var (
	widgets = schema.GroupVersionResource{Group: "bench.example.com", Version: "v1", Resource: "widgets"}
	force   = metav1.ApplyOptions{FieldManager: "widget-operator", Force: true}
)

type latencyLog struct {
	sync.Mutex
	last         map[string]string
	microseconds []int64
}

// note counts a change once, at the first reconcile that sees it.
func (l *latencyLog) note(name, changed string) {
	at, err := strconv.ParseInt(changed, 10, 64)
	if err != nil {
		return
	}
	now := time.Now().UnixNano()
	l.Lock()
	defer l.Unlock()
	if l.last[name] == changed {
		return
	}
	l.last[name] = changed
	l.microseconds = append(l.microseconds, (now-at)/1000)
}

func (l *latencyLog) write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	l.Lock()
	defer l.Unlock()
	for _, value := range l.microseconds {
		fmt.Fprintln(out, value)
	}
	return out.Flush()
}

type controller struct {
	client     kubernetes.Interface
	dynamic    dynamic.Interface
	queue      workqueue.TypedRateLimitingInterface[types.NamespacedName]
	widgets    cache.GenericLister
	configMaps corelisters.ConfigMapLister
	secrets    corelisters.SecretLister
	services   corelisters.ServiceLister
	accounts   corelisters.ServiceAccountLister
	latencies  latencyLog
}

func (c *controller) reconcile(ctx context.Context, key types.NamespacedName) error {
	object, err := c.widgets.ByNamespace(key.Namespace).Get(key.Name)
	if err != nil {
		return nil // It is gone, and what it owned goes with it.
	}
	widget := object.(*unstructured.Unstructured)
	if changed := widget.GetAnnotations()[changedAnnotation]; changed != "" {
		c.latencies.note(key.Name, changed)
	}
	value, _, _ := unstructured.NestedString(widget.Object, "spec", "value")
	owner := metav1apply.OwnerReference().WithAPIVersion("bench.example.com/v1").WithKind("Widget").
		WithName(key.Name).WithUID(widget.GetUID()).WithController(true).WithBlockOwnerDeletion(true)
	labels := map[string]string{label: key.Name}

	for _, part := range []string{"a", "b"} {
		name := key.Name + "-" + part
		data := map[string]string{"value": value, "part": part}
		if known, err := c.configMaps.ConfigMaps(key.Namespace).Get(name); err != nil || !sameData(known.Data, data) ||
			!isOurs(known.ObjectMeta, widget) {
			apply := corev1apply.ConfigMap(name, key.Namespace).WithLabels(labels).WithOwnerReferences(owner).WithData(data)
			if _, err := c.client.CoreV1().ConfigMaps(key.Namespace).Apply(ctx, apply, force); err != nil {
				return err
			}
		}
		if known, err := c.secrets.Secrets(key.Namespace).Get(name); err != nil || string(known.Data["value"]) != value ||
			!isOurs(known.ObjectMeta, widget) {
			apply := corev1apply.Secret(name, key.Namespace).WithLabels(labels).WithOwnerReferences(owner).
				WithData(map[string][]byte{"value": []byte(value)})
			if _, err := c.client.CoreV1().Secrets(key.Namespace).Apply(ctx, apply, force); err != nil {
				return err
			}
		}
	}
	name := key.Name + "-svc"
	if known, err := c.services.Services(key.Namespace).Get(name); err != nil || known.Spec.ClusterIP != "None" ||
		known.Spec.Selector["app"] != key.Name || !isOurs(known.ObjectMeta, widget) {
		apply := corev1apply.Service(name, key.Namespace).WithLabels(labels).WithOwnerReferences(owner).
			WithSpec(corev1apply.ServiceSpec().WithClusterIP("None").WithSelector(map[string]string{"app": key.Name}).
				WithPorts(corev1apply.ServicePort().WithPort(80)))
		if _, err := c.client.CoreV1().Services(key.Namespace).Apply(ctx, apply, force); err != nil {
			return err
		}
	}
	name = key.Name + "-sa"
	if known, err := c.accounts.ServiceAccounts(key.Namespace).Get(name); err != nil || !isOurs(known.ObjectMeta, widget) {
		apply := corev1apply.ServiceAccount(name, key.Namespace).WithLabels(labels).WithOwnerReferences(owner)
		if _, err := c.client.CoreV1().ServiceAccounts(key.Namespace).Apply(ctx, apply, force); err != nil {
			return err
		}
	}

	observed, _, _ := unstructured.NestedInt64(widget.Object, "status", "observedGeneration")
	objects, _, _ := unstructured.NestedInt64(widget.Object, "status", "objects")
	if observed == widget.GetGeneration() && objects == 6 {
		return nil
	}
	patch := fmt.Sprintf(`{"status":{"observedGeneration":%d,"objects":6}}`, widget.GetGeneration())
	_, err = c.dynamic.Resource(widgets).Namespace(key.Namespace).Patch(
		ctx, key.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	return err
}

func isOurs(object metav1.ObjectMeta, widget *unstructured.Unstructured) bool {
	owner := metav1.GetControllerOf(&object)
	return owner != nil && owner.UID == widget.GetUID() && object.Labels[label] == widget.GetName()
}

func sameData(left, right map[string]string) bool {
	if len(left) != len(right) {
		return false
	}
	for key, value := range left {
		if right[key] != value {
			return false
		}
	}
	return true
}

func (c *controller) work(ctx context.Context) {
	for {
		key, stopped := c.queue.Get()
		if stopped {
			return
		}
		if err := c.reconcile(ctx, key); err != nil && ctx.Err() == nil {
			c.queue.AddRateLimited(key)
		} else {
			c.queue.Forget(key)
		}
		c.queue.Done(key)
	}
}

// enqueue wakes the widget, or the one that controls the object.
func (c *controller) enqueue(object any) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	meta, ok := object.(metav1.Object)
	if !ok {
		return
	}
	if _, isWidget := object.(*unstructured.Unstructured); isWidget {
		c.queue.Add(types.NamespacedName{Namespace: meta.GetNamespace(), Name: meta.GetName()})
	} else if owner := metav1.GetControllerOf(meta); owner != nil && owner.Kind == "Widget" {
		c.queue.Add(types.NamespacedName{Namespace: meta.GetNamespace(), Name: owner.Name})
	}
}

func run(latencies string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	// The default limit of five requests a second is not what is compared here.
	config.QPS = -1
	typed := *config
	typed.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(&typed)
	if err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	// As Kubernetes' own controllers do, and ours.
	trim := func(object any) (any, error) {
		if meta, ok := object.(metav1.Object); ok {
			meta.SetManagedFields(nil)
		}
		return object, nil
	}
	owned := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(trim),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = label }))
	all := dynamicinformer.NewDynamicSharedInformerFactory(dynamicClient, 0)
	core := owned.Core().V1()
	c := &controller{
		client: client, dynamic: dynamicClient,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]()),
		widgets: all.ForResource(widgets).Lister(), configMaps: core.ConfigMaps().Lister(),
		secrets: core.Secrets().Lister(), services: core.Services().Lister(), accounts: core.ServiceAccounts().Lister(),
		latencies: latencyLog{last: map[string]string{}},
	}
	handlers := cache.ResourceEventHandlerFuncs{
		AddFunc: c.enqueue, UpdateFunc: func(_, object any) { c.enqueue(object) }, DeleteFunc: c.enqueue,
	}
	if err := all.ForResource(widgets).Informer().SetTransform(trim); err != nil {
		return err
	}
	for _, informer := range []cache.SharedIndexInformer{
		all.ForResource(widgets).Informer(), core.ConfigMaps().Informer(), core.Secrets().Informer(),
		core.Services().Informer(), core.ServiceAccounts().Informer(),
	} {
		if _, err := informer.AddEventHandler(handlers); err != nil {
			return err
		}
	}
	owned.Start(ctx.Done())
	all.Start(ctx.Done())
	owned.WaitForCacheSync(ctx.Done())
	all.WaitForCacheSync(ctx.Done())
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() { defer group.Done(); c.work(ctx) }()
	}
	<-ctx.Done()
	c.queue.ShutDown()
	group.Wait()
	return c.latencies.write(latencies)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: widget-operator LATENCY_FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
