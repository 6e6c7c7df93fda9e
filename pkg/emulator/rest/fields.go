package rest

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Lists says whether the resources that a list method answers have a field, by its path in JSON: "labels.team",
// "networkInterfaces.network". Below a map any key may be.
func (m *Method) Lists(path string) bool {
	item := listed(m.output)
	return item != nil && has(item, strings.Split(path, "."))
}

// listed gives the message of the resources in the answer of a list, also where they are grouped by scope.
func listed(answer protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	for i := range answer.Fields().Len() {
		field := answer.Fields().Get(i)
		if field.IsMap() && field.MapValue().Message() != nil {
			return listed(field.MapValue().Message())
		}
		if field.IsList() && field.Message() != nil && field.Name() != "warnings" {
			return field.Message()
		}
	}
	return nil
}

// has says whether a message has a field by its path. "*" is any field, and below a map and in protobuf's own types is anything.
func has(message protoreflect.MessageDescriptor, path []string) bool {
	if path[0] == "*" || strings.HasPrefix(string(message.FullName()), "google.protobuf.") {
		return true
	}
	field := message.Fields().ByJSONName(path[0])
	switch {
	case field == nil:
		return false
	case len(path) == 1 || field.IsMap():
		return true
	}
	return field.Message() != nil && has(field.Message(), path[1:])
}
