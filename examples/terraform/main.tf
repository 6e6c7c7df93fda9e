# What `cluster-provision create` makes of the same settings: an instance template, and a managed instance group of GPU VMs.
# It is here for those who compare the two, or come from Terraform.

locals {
  region      = join("-", slice(split("-", var.zone), 0, 2))
  description = "Made by Terraform for ${var.name_prefix}"
  labels      = merge(var.labels, { aiinfra-cluster = var.name_prefix })
}

# The program keeps the image that a family meant first. Here a newer one is a change in the plan: image_name keeps one.
data "google_compute_image" "vm" {
  project = var.image_project
  family  = var.image_name == null ? var.image_family_name : null
  name    = var.image_name
}

resource "google_compute_instance_template" "vm" {
  name_prefix  = "${var.name_prefix}-vm-"
  description  = local.description
  machine_type = "a2-highgpu-2g"
  labels       = local.labels
  metadata = merge(var.metadata, {
    VmDnsSetting          = "ZonalPreferred"
    enable-oslogin        = "TRUE"
    install-nvidia-driver = "True"
    proxy-mode            = "project_editors"
  })

  disk {
    boot         = true
    auto_delete  = true
    source_image = "projects/${data.google_compute_image.vm.project}/global/images/${data.google_compute_image.vm.name}"
    disk_type    = var.disk_type
    disk_size_gb = var.disk_size_gb
    labels       = local.labels
  }

  network_interface {
    network    = var.new_network ? null : "default"
    subnetwork = var.new_network ? google_compute_subnetwork.main[0].self_link : "default"
    nic_type   = "GVNIC"
    dynamic "access_config" {
      for_each = var.external_ip ? [1] : []
      content {}
    }
  }

  guest_accelerator {
    type  = "nvidia-tesla-a100"
    count = 2
  }

  scheduling {
    automatic_restart   = true
    on_host_maintenance = "TERMINATE"
  }

  service_account {
    email  = "default"
    scopes = ["cloud-platform"]
  }

  lifecycle { create_before_destroy = true }
}

resource "google_compute_instance_group_manager" "main" {
  name               = "${var.name_prefix}-mig"
  description        = local.description
  base_instance_name = "${var.name_prefix}-vm-####"
  target_size        = var.instance_count
  wait_for_instances = true

  version {
    instance_template = google_compute_instance_template.vm.self_link
  }

  update_policy {
    type                  = "PROACTIVE"
    minimal_action        = "REPLACE"
    replacement_method    = "RECREATE"
    max_surge_fixed       = 0
    max_unavailable_fixed = var.instance_count
  }
}
