// Package v1 serves discovery.k8s.io/v1 from an API server of 1.20, which knows these objects as v1beta1 only. The
// types are those of a later release; what is here converts them to the server's own and back. In etcd they stay
// v1beta1, with zone and node name where that version has them: in the map of topology labels.
package v1

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	core "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/discovery"
)

// SchemeGroupVersion is what the server's own lists name this version by.
var SchemeGroupVersion = discoveryv1.SchemeGroupVersion

// AddToScheme makes the version known: its types, what they default to, and their conversions.
func AddToScheme(scheme *runtime.Scheme) error {
	if err := discoveryv1.AddToScheme(scheme); err != nil {
		return err
	}
	scheme.AddTypeDefaultingFunc(&discoveryv1.EndpointSlice{}, func(o interface{}) { setDefaults(o.(*discoveryv1.EndpointSlice)) })
	scheme.AddTypeDefaultingFunc(&discoveryv1.EndpointSliceList{}, func(o interface{}) {
		items := o.(*discoveryv1.EndpointSliceList).Items
		for i := range items {
			setDefaults(&items[i])
		}
	})
	return addConversions(scheme)
}

func setDefaults(slice *discoveryv1.EndpointSlice) {
	for i := range slice.Ports {
		port := &slice.Ports[i]
		if port.Name == nil {
			port.Name = new(string)
		}
		if port.Protocol == nil {
			tcp := corev1.ProtocolTCP
			port.Protocol = &tcp
		}
	}
}

func addConversions(scheme *runtime.Scheme) error {
	add := func(from, to interface{}, convert func(from, to interface{})) error {
		return scheme.AddConversionFunc(from, to, func(a, b interface{}, _ conversion.Scope) error {
			convert(a, b)
			return nil
		})
	}
	conversions := []error{
		add((*discoveryv1.EndpointSlice)(nil), (*discovery.EndpointSlice)(nil), func(a, b interface{}) {
			toInternal(a.(*discoveryv1.EndpointSlice), b.(*discovery.EndpointSlice))
		}),
		add((*discovery.EndpointSlice)(nil), (*discoveryv1.EndpointSlice)(nil), func(a, b interface{}) {
			fromInternal(a.(*discovery.EndpointSlice), b.(*discoveryv1.EndpointSlice))
		}),
		add((*discoveryv1.EndpointSliceList)(nil), (*discovery.EndpointSliceList)(nil), func(a, b interface{}) {
			in, out := a.(*discoveryv1.EndpointSliceList), b.(*discovery.EndpointSliceList)
			out.ListMeta, out.Items = in.ListMeta, make([]discovery.EndpointSlice, len(in.Items))
			for i := range in.Items {
				toInternal(&in.Items[i], &out.Items[i])
			}
		}),
		add((*discovery.EndpointSliceList)(nil), (*discoveryv1.EndpointSliceList)(nil), func(a, b interface{}) {
			in, out := a.(*discovery.EndpointSliceList), b.(*discoveryv1.EndpointSliceList)
			out.ListMeta, out.Items = in.ListMeta, make([]discoveryv1.EndpointSlice, len(in.Items))
			for i := range in.Items {
				fromInternal(&in.Items[i], &out.Items[i])
			}
		}),
	}
	for _, err := range conversions {
		if err != nil {
			return err
		}
	}
	return nil
}

func toInternal(in *discoveryv1.EndpointSlice, out *discovery.EndpointSlice) {
	*out = discovery.EndpointSlice{ObjectMeta: in.ObjectMeta, AddressType: discovery.AddressType(in.AddressType)}
	for _, e := range in.Endpoints {
		to := discovery.Endpoint{Addresses: e.Addresses, Hostname: e.Hostname, NodeName: e.NodeName}
		to.Conditions = discovery.EndpointConditions(e.Conditions)
		if ref := e.TargetRef; ref != nil {
			converted := core.ObjectReference(*ref)
			to.TargetRef = &converted
		}
		to.Topology = topologyOf(e)
		out.Endpoints = append(out.Endpoints, to)
	}
	for _, p := range in.Ports {
		to := discovery.EndpointPort{Name: p.Name, Port: p.Port, AppProtocol: p.AppProtocol}
		if p.Protocol != nil {
			protocol := core.Protocol(*p.Protocol)
			to.Protocol = &protocol
		}
		out.Ports = append(out.Ports, to)
	}
}

func topologyOf(e discoveryv1.Endpoint) map[string]string {
	labels := map[string]string{}
	for key, value := range e.DeprecatedTopology {
		labels[key] = value
	}
	if e.Zone != nil {
		labels[corev1.LabelTopologyZone] = *e.Zone
	}
	if e.NodeName != nil {
		labels[corev1.LabelHostname] = *e.NodeName
	}
	if len(labels) == 0 {
		return nil
	}
	return labels
}

func fromInternal(in *discovery.EndpointSlice, out *discoveryv1.EndpointSlice) {
	*out = discoveryv1.EndpointSlice{ObjectMeta: in.ObjectMeta, AddressType: discoveryv1.AddressType(in.AddressType)}
	for _, e := range in.Endpoints {
		to := discoveryv1.Endpoint{Addresses: e.Addresses, Hostname: e.Hostname, NodeName: e.NodeName}
		to.Conditions = discoveryv1.EndpointConditions(e.Conditions)
		if ref := e.TargetRef; ref != nil {
			converted := corev1.ObjectReference(*ref)
			to.TargetRef = &converted
		}
		takeTopology(e.Topology, &to)
		out.Endpoints = append(out.Endpoints, to)
	}
	for _, p := range in.Ports {
		to := discoveryv1.EndpointPort{Name: p.Name, Port: p.Port, AppProtocol: p.AppProtocol}
		if p.Protocol != nil {
			protocol := corev1.Protocol(*p.Protocol)
			to.Protocol = &protocol
		}
		out.Ports = append(out.Ports, to)
	}
}

func takeTopology(labels map[string]string, to *discoveryv1.Endpoint) {
	for key, value := range labels {
		value := value
		switch key {
		case corev1.LabelTopologyZone:
			to.Zone = &value
		case corev1.LabelHostname:
			if to.NodeName == nil {
				to.NodeName = &value
			}
		default:
			if to.DeprecatedTopology == nil {
				to.DeprecatedTopology = map[string]string{}
			}
			to.DeprecatedTopology[key] = value
		}
	}
}
