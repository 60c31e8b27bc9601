{{/* The controller's environment: all that it is told by the chart. */}}
{{- define "weir.environment" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
# With PUSH_PORT the address in the Lease, to which the other replicas redirect.
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- name: LEASE_NAME
  value: {{ include "weir.fullname" . }}
- name: PUSH_PORT
  value: "9978"
# The Service that gateways dial; its DNS names are those of the controller's certificate.
- name: PUSH_SERVICE
  value: {{ include "weir.fullname" . }}
- name: CLUSTER_DOMAIN
  value: {{ .Values.controller.clusterDomain }}
# The Secret in which the leader keeps its certificate authority.
- name: CA_SECRET
  value: {{ include "weir.fullname" . }}-ca
- name: STATS_ADDR
  value: '[::]:9092'
- name: READINESS_ADDR
  value: '[::]:9093'
- name: DATAPLANE_IMAGE
  value: {{ include "weir.image" . }}
- name: DATAPLANE_IMAGE_PULL_POLICY
  value: {{ .Values.image.pullPolicy }}
# Names of Secrets, comma-separated.
- name: DATAPLANE_IMAGE_PULL_SECRETS
  value: {{ include "weir.pullSecretNames" . | quote }}
# Comma-separated; empty is all namespaces.
- name: WATCH_NAMESPACES
  value: {{ include "weir.watchNamespaces" . | fromJsonArray | join "," | quote }}
- name: LOG_FORMAT
  value: {{ .Values.controller.logFormat }}
- name: WEIR_LOG
  value: {{ .Values.controller.logLevel }}
{{- with .Values.controller.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
