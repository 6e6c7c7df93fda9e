# Google's provider, unmodified, against the cloud or against the emulator:
#
#   cluster-provision emulator --listen 127.0.0.1:8080 &
#   terraform init
#   terraform apply -var endpoint=http://127.0.0.1:8080
#
# Without `endpoint` it is the real cloud.
terraform {
  required_providers {
    google = { source = "hashicorp/google" }
  }
}

variable "endpoint" {
  description = "Where the emulator listens. null: the real cloud."
  type        = string
  default     = null
}

locals {
  # In the emulator every API is below its own name.
  api = { for name in ["compute", "storage", "cloudresourcemanager", "serviceusage", "iam", "cloudbilling"] :
  name => var.endpoint == null ? null : "${var.endpoint}/${name}.googleapis.com" }
}

provider "google" {
  project      = var.project
  region       = local.region
  zone         = var.zone
  access_token = var.endpoint == null ? null : "none"

  compute_custom_endpoint             = var.endpoint == null ? null : "${local.api.compute}/compute/v1/"
  storage_custom_endpoint             = var.endpoint == null ? null : "${local.api.storage}/storage/v1/"
  resource_manager_custom_endpoint    = var.endpoint == null ? null : "${local.api.cloudresourcemanager}/v1/"
  resource_manager_v3_custom_endpoint = var.endpoint == null ? null : "${local.api.cloudresourcemanager}/v3/"
  service_usage_custom_endpoint       = var.endpoint == null ? null : "${local.api.serviceusage}/v1/"
  iam_custom_endpoint                 = var.endpoint == null ? null : "${local.api.iam}/v1/"
  iam_beta_custom_endpoint            = var.endpoint == null ? null : "${local.api.iam}/v1/" # service accounts
  cloud_billing_custom_endpoint       = var.endpoint == null ? null : "${local.api.cloudbilling}/v1/"
}
