// Package doc reads, fills and cuts API resources as decoded JSON. The whole emulator keeps resources in this form, so that what
// a client sent and no code here knows of is kept too.
//
// Worked example:
//
//	d := doc.Map{"name": "n", "nics": []any{doc.Map{"subnetwork": "s"}}}
//	doc.Fill(d, doc.Map{"mtu": 1460})        // what is not given
//	doc.Merge(d, doc.Map{"nics": []any{}})   // what a PATCH says
//	doc.Settle(d)                            // what a read does not show
//	for _, nic := range doc.Objects(d, "nics") {
//		fmt.Println(doc.Str(nic, "subnetwork"), doc.Num(d, "mtu"))
//	}
//	cut, err := doc.Select(d, "name,nics/subnetwork")
package doc
