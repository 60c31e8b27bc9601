{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of the controller's objects. Cut at 52 characters: suffixes must fit into the 63 of a DNS label. */}}
{{- define "weir.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Name of cluster-wide objects: two releases in two namespaces may have the same full name. */}}
{{- define "weir.clusterName" -}}
{{- if eq (include "weir.fullname" .) .Release.Namespace -}}
{{- .Release.Namespace -}}
{{- else -}}
{{- printf "%s-%s" (include "weir.fullname" .) .Release.Namespace | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels by which pods of a part are selected. Takes a list: root, part. */}}
{{- define "weir.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "weir.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object. Takes a list: root, part. */}}
{{- define "weir.labels" -}}
{{- $root := index . 0 -}}
{{ include "weir.selector" . }}
app.kubernetes.io/part-of: weir
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The annotations block of an object, or nothing. Takes a list: root, own annotations. */}}
{{- define "weir.annotations" -}}
{{- with merge (dict) (index . 1) (index . 0).Values.commonAnnotations -}}
annotations:
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}

{{- define "weir.serviceAccountName" -}}
{{- default (ternary (include "weir.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The one image of all pods, as a reference. */}}
{{- define "weir.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry -}}
{{- $repository := ternary .Values.image.repository (printf "%s/%s" $registry .Values.image.repository) (empty $registry) -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "weir.imagePullSecrets" -}}
{{- with concat .Values.imagePullSecrets .Values.global.imagePullSecrets -}}
imagePullSecrets:
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "weir.pullSecretNames" -}}
{{- $names := list -}}
{{- range concat .Values.imagePullSecrets .Values.global.imagePullSecrets -}}{{- $names = append $names .name -}}{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{/* The namespaces that are watched, as JSON; an empty list is all of them. */}}
{{- define "weir.watchNamespaces" -}}
{{- if and (eq .Values.rbac.scope "namespaced") (empty .Values.watch.namespaces) -}}
{{- list .Release.Namespace | toJson -}}
{{- else -}}
{{- .Values.watch.namespaces | uniq | toJson -}}
{{- end -}}
{{- end -}}

{{- define "weir.budgeted" -}}
{{- if kindIs "bool" .Values.podDisruptionBudget.enabled -}}
{{- ternary "yes" "" .Values.podDisruptionBudget.enabled -}}
{{- else if gt (int .Values.controller.replicaCount) 1 -}}yes
{{- end -}}
{{- end -}}

{{/*
"yes" when the cluster has a GatewayClass of this name that is not this release's. Takes a list: root, name. A lookup of
a kind that is not installed is an error.
*/}}
{{- define "weir.foreignClass" -}}
{{- $root := index . 0 -}}
{{- if $root.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1/GatewayClass" -}}
{{- $live := lookup "gateway.networking.k8s.io/v1" "GatewayClass" "" (index . 1) -}}
{{- $annotations := dig "metadata" "annotations" dict $live | default dict -}}
{{- if and $live (not (and (eq (get $annotations "meta.helm.sh/release-name") $root.Release.Name) (eq (get $annotations "meta.helm.sh/release-namespace") $root.Release.Namespace))) -}}yes
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
"yes" when templates see a cluster: `helm template` and a client's dry run do not. Every API server has this group, and
helm's own list of what there may be has not.
*/}}
{{- define "weir.online" -}}
{{- if .Capabilities.APIVersions.Has "apiregistration.k8s.io/v1" -}}yes
{{- end -}}
{{- end -}}

{{/* Names of bundled CRDs that the cluster has in another form, as JSON. Takes a list: root, subchart. */}}
{{- define "weir.differing" -}}
{{- $found := list -}}
{{- $files := (index . 1).Files -}}
{{- range $path, $_ := $files.Glob "crds/*.yaml" -}}
{{- $bundled := $files.Get $path | fromYaml -}}
{{- $live := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $bundled.metadata.name -}}
{{- if and $live (ne (toJson $live.spec.versions) (toJson $bundled.spec.versions)) -}}
{{- $found = append $found $bundled.metadata.name -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}
