package storage

import (
	"net/url"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// method is a method of the JSON API, by the path that the discovery document gives it, or one of the XML API. What is not in
// the list is answered with 501: access control lists one by one, folders, making managed folders and caches, notifications,
// HMAC keys, bulk restores, relocation, object contexts.
type method struct {
	verb, path string
	needs      string // permission on the bucket or object of the path; "" where the method sees to it
	write      bool   // takes its time as writing an object does
	gone       bool   // the bucket need not be there
	do         func(*call, *world.Object) (*wire.Response, error)
}

func (m *method) hasBucket() bool { return strings.Contains(m.path, "{bucket}") }

func methods() []method {
	return []method{
		{verb: "GET", path: "b", do: (*call).listBuckets},
		{verb: "POST", path: "b", do: (*call).insertBucket},
		{verb: "GET", path: "b/{bucket}", gone: true, do: (*call).getBucket},
		{verb: "PATCH", path: "b/{bucket}", needs: "storage.buckets.update", do: (*call).patchBucket},
		{verb: "PUT", path: "b/{bucket}", needs: "storage.buckets.update", do: (*call).updateBucket},
		{verb: "DELETE", path: "b/{bucket}", needs: "storage.buckets.delete", do: (*call).deleteBucket},
		{verb: "POST", path: "b/{bucket}/restore", gone: true, do: (*call).restoreBucket},
		{verb: "POST", path: "b/{bucket}/lockRetentionPolicy", needs: "storage.buckets.update", do: (*call).lockRetention},
		{verb: "GET", path: "b/{bucket}/storageLayout", needs: "storage.objects.list", do: (*call).storageLayout},
		{verb: "GET", path: "b/{bucket}/anywhereCaches", needs: "storage.anywhereCaches.list", do: (*call).listCaches},
		{verb: "GET", path: "b/{bucket}/anywhereCaches/", needs: "storage.anywhereCaches.list", do: (*call).listCaches}, // as Terraform asks
		{verb: "GET", path: "b/{bucket}/managedFolders", needs: "storage.managedFolders.list", do: (*call).listManagedFolders},
		{verb: "GET", path: "b/{bucket}/iam", needs: "storage.buckets.getIamPolicy", do: (*call).getPolicy},
		{verb: "PUT", path: "b/{bucket}/iam", needs: "storage.buckets.setIamPolicy", do: (*call).setPolicy},
		{verb: "GET", path: "b/{bucket}/iam/testPermissions", do: (*call).testPermissions},
		{verb: "GET", path: "b/{bucket}/o", needs: "storage.objects.list", do: (*call).listObjects},
		{verb: "GET", path: "b/{bucket}/o/{object}", needs: "storage.objects.get", do: (*call).getObject},
		{verb: "PATCH", path: "b/{bucket}/o/{object}", needs: "storage.objects.update", write: true, do: (*call).patchObject},
		{verb: "PUT", path: "b/{bucket}/o/{object}", needs: "storage.objects.update", write: true, do: (*call).updateObject},
		{verb: "DELETE", path: "b/{bucket}/o/{object}", needs: "storage.objects.delete", write: true, do: (*call).deleteObject},
		{verb: "POST", path: "b/{bucket}/o/{object}/restore", needs: "storage.objects.restore", write: true, do: (*call).restoreObject},
		{verb: "POST", path: "b/{bucket}/o/{object}/compose", needs: "storage.objects.create", write: true, do: (*call).composeObject},
		{verb: "POST", path: "b/{bucket}/o/{object}/moveTo/o/{to}", needs: "storage.objects.move", write: true, do: (*call).moveObject},
		{verb: "POST", path: "b/{bucket}/o/{object}/copyTo/b/{toBucket}/o/{to}", needs: "storage.objects.get", write: true, do: (*call).copyObject},
		{verb: "POST", path: "b/{bucket}/o/{object}/rewriteTo/b/{toBucket}/o/{to}", needs: "storage.objects.get", write: true, do: (*call).rewriteObject},
		{verb: "GET", path: "projects/{project}/serviceAccount", do: (*call).serviceAgent},
		{verb: "POST", path: "upload/b/{bucket}/o", write: true, do: (*call).upload},
		{verb: "PUT", path: "upload/b/{bucket}/o", write: true, do: (*call).upload},
		{verb: "DELETE", path: "upload/b/{bucket}/o", do: (*call).upload},
		{verb: "GET", path: "xml/{bucket}/{object}", needs: "storage.objects.get", do: (*call).readXML},
		{verb: "HEAD", path: "xml/{bucket}/{object}", needs: "storage.objects.get", do: (*call).readXML},
	}
}

// isXML tells a call of the XML API, whose paths are /BUCKET/OBJECT.
func isXML(path string) bool {
	for _, own := range []string{"/storage/v1/", "/upload/storage/", "/download/storage/", "/resumable/upload/storage/", "/batch/storage/"} {
		if strings.HasPrefix(path, own) {
			return false
		}
	}
	return true
}

// find gives the method of the call and reads the variables of its path; nil when it is none that is emulated.
func (c *call) find() *method {
	path := c.r.Path
	switch {
	case isXML(path): // an object's slashes stand for themselves there
		bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		path = "xml/" + bucket + "/" + strings.ReplaceAll(object, "/", "%2F")
	case strings.HasPrefix(path, "/storage/v1/"):
		path = strings.TrimPrefix(path, "/storage/v1/")
	case strings.HasPrefix(path, "/download/storage/v1/"):
		path = strings.TrimPrefix(path, "/download/storage/v1/")
		c.r.Query.Set("alt", "media")
	default:
		_, rest, ok := strings.Cut(path, "upload/storage/v1/")
		if !ok {
			return nil
		}
		path = "upload/" + rest
	}
	segments := strings.Split(path, "/")
	for i := range c.svc.methods {
		if m := &c.svc.methods[i]; m.verb == c.r.Method && c.match(m.path, segments) {
			return m
		}
	}
	return nil
}

func (c *call) match(pattern string, segments []string) bool {
	parts := strings.Split(pattern, "/")
	if len(parts) != len(segments) {
		return false
	}
	vars := map[string]string{}
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			if part != segments[i] {
				return false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return false
		}
		vars[strings.Trim(part, "{}")] = value
	}
	c.vars, c.bucket, c.object = vars, vars["bucket"], vars["object"]
	return true
}
