# The settings of an env-file that this configuration knows, under their own names and with their own defaults.

variable "project" {
  description = "PROJECT_ID"
  type        = string
  default     = "my-gpu-project"
}

variable "name_prefix" {
  description = "NAME_PREFIX"
  type        = string
  default     = "tf-demo"
}

variable "zone" {
  description = "ZONE"
  type        = string
  default     = "us-central1-a"
}

variable "instance_count" {
  description = "INSTANCE_COUNT"
  type        = number
  default     = 1
}

variable "new_network" {
  description = "NETWORK_CONFIG: true is new_network, false is default_network"
  type        = bool
  default     = false
}

variable "external_ip" {
  description = "EXTERNAL_IP"
  type        = bool
  default     = true
}

variable "network_range" {
  description = "NETWORK_RANGE"
  type        = string
  default     = "10.0.0.0/16"
}

variable "labels" {
  description = "LABELS"
  type        = map(string)
  default     = {}
}

variable "metadata" {
  description = "METADATA"
  type        = map(string)
  default     = {}
}

variable "image_project" {
  description = "IMAGE_PROJECT"
  type        = string
  default     = "ml-images"
}

variable "image_family_name" {
  description = "IMAGE_FAMILY_NAME: the one that stands in for the default, which is gone from the project"
  type        = string
  default     = "pytorch-2-9-cu129-ubuntu-2404-nvidia-580"
}

variable "image_name" {
  description = "IMAGE_NAME, in place of a family"
  type        = string
  default     = null
}

variable "disk_type" {
  description = "DISK_TYPE"
  type        = string
  default     = "pd-ssd"
}

variable "disk_size_gb" {
  description = "DISK_SIZE_GB"
  type        = number
  default     = 2000
}
